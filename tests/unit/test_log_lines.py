"""Log lines name nobody, even where the text of an error does."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from adapters.logs import configure_logs, without_persons


def masked(**line: Any) -> Any:
    return without_persons(None, "", line)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What processes write to stderr; logging is as it was afterwards."""
    written, root, before = io.StringIO(), logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    configure_logs("json", "info")
    yield written
    root.handlers = handlers
    root.setLevel(level)
    structlog.configure(**before)


def test_the_user_of_a_key_is_masked_and_the_number_of_a_shard_is_not() -> None:
    found = masked(error="WRONGTYPE of events:{ada} and model:{a%7Bb} in ingest:{0} due:{queue-1}")
    assert found["error"] == "WRONGTYPE of events:{…} and model:{…} in ingest:{0} due:{queue-1}"


def test_addresses_are_masked_and_those_of_our_own_servers_are_not() -> None:
    found = masked(error="ada@example.org from 198.51.100.7: connecting to 10.0.0.5:6379")
    assert found["error"] == "<e-mail> from <ip>: connecting to 10.0.0.5:6379"


def test_what_is_inside_is_masked_and_numbers_stay_numbers() -> None:
    found = masked(
        n=1, f=0.5, t=True, none=None, list=["a@b.org"], of={"a@b.org": 1}, path=b"a@b.org"
    )
    plain = {"n": 1, "f": 0.5, "t": True, "none": None}
    assert found == plain | {"list": ["<e-mail>"], "of": {"<e-mail>": 1}, "path": "b'<e-mail>'"}


def test_tracebacks_are_masked_whoever_writes_them(lines: io.StringIO) -> None:
    for log in (structlog.get_logger(), logging.getLogger("a.library")):
        try:
            dict[str, int]()["links:{ada} of ada@example.org"]
        except KeyError:
            log.exception("bug.found")
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(written) == 2
    for line in written:
        assert "KeyError: 'links:{…} of <e-mail>'" in line["exception"]
        assert "ada" not in line["exception"]


def test_what_ends_a_process_is_a_line_that_names_nobody(lines: io.StringIO) -> None:
    sys.excepthook(ValueError, ValueError("events:{ada} of ada@example.org"), None)
    [line] = map(json.loads, lines.getvalue().splitlines())
    assert (line["event"], line["level"]) == ("process.crashed", "critical")
    assert line["exception"] == "ValueError: events:{…} of <e-mail>"
