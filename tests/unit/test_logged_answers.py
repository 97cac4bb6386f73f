"""Logged answers are made again, to the last byte, whatever has changed meanwhile."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from adapters.collective.file import open_statistics
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.open_log import answer_log, answer_replays
from adapters.parquet.editions import Editions
from adapters.parquet.folder import LogFolder
from adapters.parquet.reader import LogReader
from adapters.parquet.replays import ParquetReplays
from adapters.parquet.schema import ANSWERS
from adapters.settings import SharedSettings
from adapters.snapshot.file import open_snapshot
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
from tests.build import NOW_MS, PLAN, WINDOW_MS, read, themed_catalogue

STORE = themed_catalogue()
IDS = list(STORE.columns.ids)


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
