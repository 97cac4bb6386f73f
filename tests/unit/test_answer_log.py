"""The log of answers: files that appear whole, a storage that fails, and answers made again."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from prometheus_client import CollectorRegistry

from adapters.collective.file import open_statistics
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.open_log import answer_log, answer_replays
from adapters.parquet.editions import Editions
from adapters.parquet.erasing import LogErasing
from adapters.parquet.folder import LogFolder, day_of
from adapters.parquet.metrics import LogMetrics
from adapters.parquet.reader import LogReader
from adapters.parquet.replays import ParquetReplays
from adapters.parquet.retention import LogBounds, retire
from adapters.parquet.schema import ANSWERS, EVENTS
from adapters.parquet.writer import LogPace, LogWriter
from adapters.settings import SharedSettings
from adapters.snapshot.file import open_snapshot
from core.answer_log.entry import EventEntry
from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.readings import ReadingGatherer
from core.config import CollectiveConfig, ModelConfig, RankingConfig, ScorerWeights
from core.errors import RejectedError
from core.modelling.build import ModelBasis
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.updater import UserModelUpdater
from tests.build import DAY_MS, NOW_MS, PLAN, WINDOW_MS, read, themed_catalogue

STORE = themed_catalogue()
IDS = list(STORE.columns.ids)
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


class Served:
    """A recommender over everything that may change between an answer and its replay."""

    def __init__(self, path: Path) -> None:
        self.settings = SharedSettings(log_url=str(path))
        self.models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
        self.buffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=500)
        self.basis = ModelBasis.of(PLAN, ModelConfig())
        self.contents = STORE
        self.collective: Collective | None = None

    async def act(self, *events: Any) -> None:
        await self.buffer.append(events, now_ms=NOW_MS)
        updater = UserModelUpdater(self.buffer, self.models, self.contents, self.basis)
        await updater.refresh(*{one.user_id for one in events}, now_ms=NOW_MS)

    def recommender(self, config: RankingConfig, version: str) -> Recommender:
        return Recommender(
            self.models, self.contents, config, version, collective=lambda: self.collective
        )

    def count(self, likes: Sequence[Sequence[str]]) -> None:
        gatherer = ReadingGatherer(most=50)
        for one in likes:
            viewed = {item: NOW_MS - number for number, item in enumerate(one)}
            gatherer.add(UserSignals(user_id="x", viewed=viewed, positives=dict.fromkeys(one, 0.5)))
        counted = Counted(readings=gatherer.readings())
        self.collective = Collective(
            build_statistics(counted, IDS, CollectiveConfig(), now_ms=NOW_MS)
        )


async def answers_of(served: Served, rounds: int) -> list[str]:
    """What is served while everything changes; the ids of the answers."""
    registry, ids = CollectorRegistry(), []
    configs = [RankingConfig(), RankingConfig(weights=ScorerWeights(tag=0.9), relevance=0.5)]
    async with answer_log(served.settings, registry) as log:
        assert log is not None
        record = log("recommend")
        for number in range(rounds):
            user = f"u{number % 7}"
            if number % 10 == 1:
                item = IDS[number % len(IDS)]
                await served.act(read(item, 40, user_id=user, message_id=f"m{number}"))
            if number % 50 == 20:
                served.count([[IDS[number % 30], IDS[(number + 7) % 30]]] * (number + 1))
            config = configs[number // 40 % 2]
            recommender = served.recommender(config, f"config{number // 40 % 2}")
            request = RecommendRequest(
                user_id=user, limit=1 + number % 12, seed=None if number % 3 else number
            )
            answer = await recommender.recommend(request, now_ms=NOW_MS + number, record=record)
            ids.append(answer.request_id)
            if number == rounds // 2:
                served.contents = InMemoryContentStore(list(STORE.columns.contents)[3:])
            await asyncio.sleep(0)
    return ids


async def test_logged_answers_are_made_again_to_the_last_byte_after_everything_has_moved_on(
    tmp_path: Path,
) -> None:
    served = Served(tmp_path / "log")
    ids = await answers_of(served, 300)
    replays = answer_replays(served.settings)
    assert replays is not None
    entries = list(replays.entries(since_ms=0))
    assert {one.request_id for one in entries} == set(ids)
    assert len({one.catalogue_version for one in entries}) == 2
    assert len({one.collective_version for one in entries}) > 3
    assert len({one.config_version for one in entries}) == 2
    assert any(one.model for one in entries)
    for one in entries:
        assert b"u1" not in one.model + one.request
        again = await replays.again(one)
        assert again.identical, (again.differences, one.request_id)
    found = await replays.replay(ids[17])
    assert found is not None
    assert found.identical
    assert await replays.replay("0" * 32) is None


async def test_a_replay_from_something_else_says_that_it_differs(tmp_path: Path) -> None:
    served = Served(tmp_path / "log")
    ids = await answers_of(served, 40)
    folder = LogFolder.of(served.settings.log_url)
    other = InMemoryContentStore(list(STORE.columns.contents)[5:])
    replays = ParquetReplays(LogReader(folder), lambda _: other, open_statistics)
    found = await replays.replay(ids[3])
    assert found is not None
    assert not found.identical
    assert "items" in found.differences


async def test_an_answer_whose_catalogue_is_gone_says_so(tmp_path: Path) -> None:
    served = Served(tmp_path / "log")
    ids = await answers_of(served, 5)
    folder = LogFolder.of(served.settings.log_url)
    Editions(folder).sweep(days=-1)
    replays = ParquetReplays(LogReader(folder), open_snapshot, open_statistics)
    with pytest.raises(RejectedError, match="REPLAY_DAYS"):
        await replays.replay(ids[3])


async def test_rows_say_what_each_scorer_said_of_each_item(tmp_path: Path) -> None:
    served = Served(tmp_path / "log")
    await answers_of(served, 40)
    entries = list(LogReader(LogFolder.of(served.settings.log_url)).entries(ANSWERS))
    warm = next(one for one in entries if one.strategy == "warm" and one.config_version[-1] == "0")
    weights = msgspec.structs.asdict(ScorerWeights())
    for item in warm.slate:
        values = dict(zip(warm.features, item.features, strict=True))
        total = sum(round(value * weights[name] * 1e6) for name, value in values.items())
        assert abs(total - item.score) <= len(values)


def _everything() -> Any:
    from pyarrow import fs  # noqa: PLC0415

    return fs.FileSelector("", recursive=True)
