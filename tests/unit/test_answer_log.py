"""The log: files that appear whole, a storage that fails, bounds, and persons that go."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry

from adapters.parquet.editions import Editions
from adapters.parquet.erasing import LogErasing
from adapters.parquet.folder import LogFolder, day_of
from adapters.parquet.metrics import LogMetrics
from adapters.parquet.reader import LogReader
from adapters.parquet.retention import LogBounds, retire
from adapters.parquet.schema import EVENTS
from adapters.parquet.writer import LogPace, LogWriter
from core.answer_log.entry import EventEntry
from core.errors import RejectedError
from tests.build import DAY_MS, NOW_MS

QUICK = LogPace(rotate_s=0.01)


def entry(number: int, *, user: str = "u", ts_ms: int = NOW_MS) -> EventEntry:
    return EventEntry(
        message_id=f"m{number}",
        user=user,
        ts_ms=ts_ms,
        recorded_ms=ts_ms,
        kind="view_started",
        content_id="a",
    )


class Log:
    """A writer of events over a folder that may be made to fail or to hang."""

    def __init__(self, path: Path, pace: LogPace = QUICK) -> None:
        self.registry = CollectorRegistry()
        self.folder = LogFolder.of(str(path))
        self.gate = threading.Event()
        self.gate.set()
        self.is_full = False
        replace = self.folder.replace

        def write(path: str, table: pa.Table) -> None:
            assert self.gate.wait(20)
            if self.is_full:
                raise OSError(28, "No space left on device")
            replace(path, table)

        self.folder.replace = write  # type: ignore[method-assign]
        self.writer: LogWriter[EventEntry, EventEntry] = LogWriter(
            self.folder,
            EVENTS,
            lambda one: [one],
            process="here",
            pace=pace,
            metrics=LogMetrics(self.registry),
        )
        self.writer.start()

    def number(self, name: str) -> float:
        found = self.registry.get_sample_value(f"ai_engine_log_{name}_total", {"kind": "events"})
        assert found is not None
        return found

    def messages(self) -> list[str]:
        return sorted(one.message_id for one in LogReader(self.folder).entries(EVENTS))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Log]]:
    made: list[Log] = []

    def log(pace: LogPace = QUICK) -> Log:
        made.append(Log(tmp_path / "log", pace))
        return made[-1]

    yield log
    for one in made:
        one.gate.set()
        one.is_full = False
        one.writer.close()


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_rows_lie_in_the_day_that_they_happened_and_only_in_whole_files(
    make: Callable[..., Log],
) -> None:
    log = make()
    for number in range(5):
        log.writer.put(entry(number, ts_ms=NOW_MS - DAY_MS * (number % 2)))
    log.writer.close()
    assert log.folder.days("events") == [day_of(NOW_MS - DAY_MS), day_of(NOW_MS)]
    assert log.messages() == [f"m{number}" for number in range(5)]
    every = [one.path for one in log.folder.files.get_file_info(_everything())]
    assert not [one for one in every if one.endswith(".part")]
    assert log.number("written_rows") == 5


def test_a_storage_that_hangs_holds_nobody_up_and_what_does_not_fit_is_counted(
    make: Callable[..., Log],
) -> None:
    log = make(LogPace(rotate_s=0.01, queue=10, waiting_rows=10))
    log.gate.clear()
    log.writer.put(entry(0))
    time.sleep(0.4)  # it is in the writer's hand by now, which hangs
    from_s = time.monotonic()
    for number in range(1, 100_001):
        log.writer.put(entry(number))
    took_s = time.monotonic() - from_s
    assert took_s < 5, "a hundred thousand in less than they take to be written"
    assert log.number("dropped_rows") == 100_000 - 10
    log.gate.set()
    eventually(lambda: log.number("written_rows") == 11)


def test_a_full_storage_keeps_rows_waiting_up_to_a_bound_and_then_takes_them(
    make: Callable[..., Log],
) -> None:
    log = make(LogPace(rotate_s=0.01, waiting_rows=20, again_s=0.05))
    log.is_full = True
    for number in range(50):
        log.writer.put(entry(number))
    eventually(lambda: log.number("failures") >= 2)
    assert log.number("dropped_rows") == 30
    assert log.messages() == []
    log.is_full = False
    eventually(lambda: len(log.messages()) == 20)


def test_the_rows_of_who_is_erased_go_and_others_keep_theirs(make: Callable[..., Log]) -> None:
    log = make()
    for number in range(30):
        log.writer.put(entry(number, user=("ada", "bob", "eve")[number % 3]))
    log.writer.close()
    erased = LogErasing(log.folder).forget(["ada", "bob"])
    assert erased.events == 20
    assert {one.user for one in LogReader(log.folder).entries(EVENTS)} == {"eve"}
    assert LogErasing(log.folder).forget(["ada"]).events == 0
    LogErasing(log.folder).forget(["eve"])
    assert list(log.folder.every_path("events")) == [], "no empty file stays"


def test_up_to_a_moment_means_up_to_it(make: Callable[..., Log]) -> None:
    log = make()
    for number in range(4):
        log.writer.put(entry(number, ts_ms=NOW_MS + number))
    log.writer.close()
    assert LogErasing(log.folder).forget(["u"], NOW_MS + 1).events == 2
    assert log.messages() == ["m2", "m3"]


def test_rows_that_were_on_their_way_while_a_person_was_erased_never_arrive(
    make: Callable[..., Log],
) -> None:
    waiting = make(LogPace(rotate_s=3600))
    waiting.writer.put(entry(1, user="ada"))
    waiting.writer.put(entry(2, user="eve"))
    time.sleep(0.3)
    LogErasing(waiting.folder).forget(["ada"])
    waiting.writer.close()
    assert waiting.messages() == ["m2"]


def test_a_file_that_an_erasing_did_not_see_is_cleaned_by_who_wrote_it(
    make: Callable[..., Log],
) -> None:
    log = make()
    log.gate.clear()
    log.writer.put(entry(1, user="ada"))
    time.sleep(0.4)  # the writer has looked for marks, and is writing
    LogErasing(LogFolder(log.folder.files)).forget(["ada"])
    log.gate.set()
    log.writer.close()
    assert log.messages() == []


def test_the_earliest_days_go_first_and_never_the_one_that_is_written(
    make: Callable[..., Log],
) -> None:
    log = make()
    for number in range(5):
        log.writer.put(entry(number, ts_ms=NOW_MS - number * DAY_MS))
    log.writer.close()
    generous = LogBounds(days=3, max_mb=1, replay_days=14)
    retire(log.folder, generous, now_ms=NOW_MS)
    assert log.messages() == ["m0", "m1", "m2", "m3"]
    retire(log.folder, msgspec.structs.replace(generous, max_mb=0), now_ms=NOW_MS)
    assert log.messages() == ["m0"]


def test_editions_are_kept_once_and_go_when_nobody_renews_them(tmp_path: Path) -> None:
    folder = LogFolder.of(str(tmp_path))
    written: list[str] = []

    def write(path: Path) -> None:
        written.append(path.name)
        path.write_bytes(b"the whole of it")

    for editions in (Editions(folder), Editions(folder)):
        editions.keep("policy", "v1", write)
        editions.keep("policy", "v1", write)
    assert len(written) == 1
    with editions.opened("policy", "v1") as path:
        assert path.read_bytes() == b"the whole of it"
    editions.sweep(days=1)
    with editions.opened("policy", "v1"):
        pass
    editions.sweep(days=-1)
    with pytest.raises(RejectedError, match="not kept any more"), editions.opened("policy", "v1"):
        pass


def _everything() -> Any:
    from pyarrow import fs  # noqa: PLC0415

    return fs.FileSelector("", recursive=True)
