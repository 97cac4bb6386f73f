"""An export of PostHog is read as the events that RudderStack would have sent."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.posthog.event_source import PostHogEventSource
from adapters.posthog.export_file import ExportedEvent, exported_events
from core.errors import RejectedError
from core.normalizing.limits import EventLimits
from core.normalizing.mapping import EventMapper
from tests.build import NOW_MS, PLAN, WINDOW_MS

MOMENT = datetime.fromtimestamp((NOW_MS - 60_000) / 1000, UTC)
OPENED = {
    "uuid": "u-1",
    "event": "CONTENT_VIEW_STARTED",
    "distinct_id": "ada",
    "timestamp": MOMENT.isoformat(),
    "properties": {
        "content": {"content_id": "content_7"},
        "$session_id": "s1",
        "$lib": "web",
        "$ip": "192.0.2.7",
    },
    "person_id": "p",
}
IDENTIFIED = {
    "uuid": "u-2",
    "event": "$identify",
    "distinct_id": "ada",
    "timestamp": MOMENT.isoformat(),
    "properties": {"$anon_distinct_id": "phone", "$set": {"age": "30"}},
}


def write(path: Path, form: str, *rows: dict[str, Any]) -> Path:
    if form == "parquet":
        texts = [one | {"properties": json.dumps(one["properties"])} for one in rows]
        pq.write_table(pa.Table.from_pylist(texts), path)
        return path
    text = "".join(json.dumps(one) + "\n" for one in rows).encode()
    path.write_bytes(gzip.compress(text) if form == "gzip" else text)
    return path


def events(path: Path) -> list[Any]:
    found = list(exported_events(path))
    assert all(isinstance(one, ExportedEvent) for one in found), found
    return [json.loads(one.body) for one in found if isinstance(one, ExportedEvent)]


@pytest.mark.parametrize("form", ["lines", "gzip", "parquet"])
def test_rows_are_events_without_what_posthog_adds(tmp_path: Path, form: str) -> None:
    opened, identified = events(write(tmp_path / "export", form, OPENED, IDENTIFIED))
    assert (opened["type"], opened["event"]) == ("track", "CONTENT_VIEW_STARTED")
    assert (opened["userId"], opened["messageId"]) == ("ada", "u-1")
    assert opened["properties"] == {"content": {"content_id": "content_7"}}
    assert opened["context"] == {"sessionId": "s1"}
    assert "192.0.2.7" not in json.dumps(opened)
    assert (identified["type"], identified["anonymousId"]) == ("identify", "phone")
    assert identified["traits"] == {"age": "30"}


def test_aliases_pages_and_screens_keep_their_sort(tmp_path: Path) -> None:
    rows = [
        OPENED | {"event": "$create_alias", "properties": {"alias": "old"}},
        OPENED | {"event": "$pageview", "properties": {"$pathname": "/a"}},
        OPENED | {"event": "$screen", "properties": {}},
    ]
    alias, page, screen = events(write(tmp_path / "export", "lines", *rows))
    assert (alias["type"], alias["previousId"], alias["userId"]) == ("alias", "old", "ada")
    assert (page["type"], page["name"]) == ("page", "/a")
    assert screen["type"] == "screen"


def test_a_row_that_is_none_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "export", "lines", OPENED)
    path.write_bytes(b'{"event": "x"}\nno json\n' + path.read_bytes())
    found = list(exported_events(path))
    assert [isinstance(one, RejectedError) for one in found] == [True, True, False]
    assert "row 1" in str(found[0])
    assert "row 2" in str(found[1])


def test_a_file_that_is_cut_off_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "export", "parquet", OPENED)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RejectedError, match="no Parquet file"):
        list(exported_events(path))


async def test_it_is_a_source_of_events_by_visitor(tmp_path: Path) -> None:
    again = OPENED | {"distinct_id": "bob", "uuid": "u-3"}
    path = write(tmp_path / "export", "lines", OPENED, OPENED, again, OPENED | {"event": ""})
    mapper = EventMapper(PLAN, EventLimits())
    source = PostHogEventSource(path, mapper, now_ms=NOW_MS, window_ms=WINDOW_MS)
    ada, bob, nobody = await source.fetch_events(["ada", "bob", "eve"], since_ms=0)
    assert [one.content_id for one in ada.events] == ["7"]
    assert [one.message_id for one in bob.events] == ["u-3"]
    assert nobody.events == ()
    assert source.left_out == 1
