"""Reads an export of PostHog, JSON Lines or Parquet, as events that RudderStack would have sent.

An export has `uuid`, `event`, `distinct_id`, `timestamp` and `properties`, an object
or its JSON; other columns are not needed. What PostHog adds to properties (`$…`)
is left out, but for what links ids and names the session.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from core.errors import RejectedError

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_COLUMNS = ("uuid", "event", "distinct_id", "timestamp", "properties")
_PAGES = {"$pageview": "page", "$screen": "screen"}


class ExportedEvent(msgspec.Struct, frozen=True):
    """A row of the export, and its event as RudderStack's JSON."""

    row: int
    body: bytes


def exported_events(path: Path, first: int = 1) -> Iterator[ExportedEvent | RejectedError]:
    """The events in the order of the file; of a row that is none, why.

    Raises: RejectedError where the file is no export at all, OSError.
    """
    with path.open("rb") as file:
        head = file.read(4)
    rows = _parquet_rows(path) if head == _PARQUET else _json_rows(path, gzipped=head[:2] == _GZIP)
    for number, row in rows:
        if number < first:
            continue
        try:
            yield ExportedEvent(number, msgspec.json.encode(as_rudderstack(row)))
        except (RejectedError, msgspec.DecodeError) as exc:
            yield RejectedError(f"row {number}: {exc}")


def as_rudderstack(row: Any) -> dict[str, Any]:
    """One row as an event of RudderStack. Raises: RejectedError, msgspec.DecodeError."""
    if isinstance(row, bytes):
        row = msgspec.json.decode(row)
    if not isinstance(row, dict) or not row.get("event") or not row.get("distinct_id"):
        raise RejectedError("an event must have `event` and `distinct_id`")
    properties = row.get("properties") or {}
    if isinstance(properties, str):
        properties = msgspec.json.decode(properties)
    if not isinstance(properties, dict):
        raise RejectedError("its `properties` are no object")
    name, user_id = str(row["event"]), str(row["distinct_id"])
    event: dict[str, Any] = {
        "messageId": str(row.get("uuid") or ""),
        "userId": user_id,
        "originalTimestamp": _text(row.get("timestamp")),
        "properties": {key: value for key, value in properties.items() if key[:1] != "$"},
    }
    if session := properties.get("$session_id"):
        event["context"] = {"sessionId": session}
    return event | _call(name, properties)


def _call(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """What sort of call it was."""
    if name == "$identify":
        anonymous = properties.get("$anon_distinct_id")
        traits = properties.get("$set") or {}
        return {"type": "identify", "traits": traits} | (
            {"anonymousId": anonymous} if anonymous else {}
        )
    if name in ("$create_alias", "$merge_dangerously"):
        return {"type": "alias", "previousId": properties.get("alias", "")}
    if name in _PAGES:
        return {"type": _PAGES[name], "name": properties.get("$pathname", "")}
    return {"type": "track", "event": name}


def _json_rows(path: Path, *, gzipped: bool) -> Iterator[tuple[int, bytes]]:
    try:
        with gzip.open(path) if gzipped else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile) as exc:
        raise RejectedError(f"{path} is broken: {exc}") from exc


def _parquet_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    # Two tenths of a second, for those who have such a file.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            columns = [one for one in _COLUMNS if one in file.schema_arrow.names]
            number = 0
            for batch in file.iter_batches(columns=columns):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pa.ArrowInvalid as exc:
        raise RejectedError(f"{path} is no Parquet file: {exc}") from exc


def _text(moment: Any) -> str:
    """A time as text; Parquet has it as one, or as a moment."""
    return moment.isoformat() if hasattr(moment, "isoformat") else str(moment or "")
