"""RANKER_FILE, followed: what is good is used at once, what is not is refused and said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import pytest
import structlog
from prometheus_client import CollectorRegistry
from structlog.typing import EventDict

from adapters.rankers.metrics import RankerMetrics
from adapters.rankers.watched import WatchedRanker
from core.config import RankingConfig
from core.learning.artifact import encode, version_of
from core.learning.model import Model
from core.policies.policies import Policies
from core.policies.policy import Policy
from tests.learned import linear_model, trees_model

OLD = linear_model(geo=0.4)


class Watch:
    """What ranks, as a service sees it."""

    def __init__(self, path: Path) -> None:
        self.registry = CollectorRegistry()
        self.policies = Policies(Policy(config=RankingConfig(), config_version="c1"))
        self.ranker = WatchedRanker(path, self.policies.use, RankerMetrics(self.registry))

    def number(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"ai_engine_ranker_{name}")

    async def see(self, model: Model, *, current: bool = True) -> None:
        until_s = monotonic() + 20
        wanted = (version_of(model), float(current))
        while (self.policies.base.ranker_version, self.number("file_current")) != wanted:
            assert monotonic() < until_s
            await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(path: Path) -> AsyncIterator[Watch]:
    watch = Watch(path)
    task = asyncio.create_task(watch.ranker.run(0.02))
    try:
        yield watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def refusals(logs: Sequence[EventDict]) -> list[str]:
    return [line["error"] for line in logs if line["event"] == "ranker.refused"]


async def test_a_new_artifact_ranks_at_once_and_without_one_the_static_weights_do(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ranker.json"
    with structlog.testing.capture_logs() as logs:
        async with watching(path) as watch:
            assert watch.policies.base.ranker_version == ""
            assert watch.policies.base.config == RankingConfig()
            assert (watch.number("file_current"), watch.number("learned")) == (0, 0)
            replace(path, encode(OLD))
            await watch.see(OLD)
            assert watch.policies.base.config.weights.geo == 0.4
            replace(path, encode(trees_model()))
            await watch.see(trees_model())
            assert watch.policies.base.ranker is not None
            assert watch.number("learned_to_timestamp_seconds") == 2
    assert "No such file" in refusals(logs)[0]
    read = [line["kind"] for line in logs if line["event"] == "ranker.read"]
    assert read == ["linear", "trees"]


@pytest.mark.parametrize(
    "poison",
    [
        encode(linear_model(geo=0.5))[:-20],
        encode(linear_model(geo=0.5)).replace(b"0.5", b"0.6"),
        b"",
        b"not json",
    ],
    ids=["truncated", "changed", "empty", "nonsense"],
)
async def test_a_poisoned_artifact_is_refused_with_one_line_and_the_old_one_stays(
    tmp_path: Path, poison: bytes
) -> None:
    path = tmp_path / "ranker.json"
    path.write_bytes(encode(OLD))
    with structlog.testing.capture_logs() as logs:
        async with watching(path) as watch:
            replace(path, poison)
            await watch.see(OLD, current=False)
            await asyncio.sleep(0.2)
            assert watch.policies.base.config.weights.geo == 0.4
            replace(path, encode(linear_model(geo=0.1)))
            await watch.see(linear_model(geo=0.1))
    [refused] = refusals(logs)
    assert refused.startswith(f"RANKER_FILE={str(path)!r}: ")
