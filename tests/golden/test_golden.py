"""Golden files: requests in; events, model and recommendation out, to the last digit.

`make golden` rewrites the expected files; the diff is to be read.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.catalogue.jsonl import read_catalogue
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.plans.toml import read_plan
from core.config import ModelConfig
from core.geo import GeoPoint
from core.modelling.build import ModelBasis
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.updater import UserModelUpdater
from tests.build import EMBEDDER

HERE = Path(__file__).parent
CASES = sorted(path for path in (HERE / "cases").glob("*.json") if ".expected" not in path.name)


async def outcome(case: dict[str, Any]) -> dict[str, Any]:
    config, plan, now_ms = ModelConfig(), read_plan(case["plan"]), case["now_ms"]
    basis = ModelBasis.of(plan, config)
    buffer = InMemoryEventBuffer(window_ms=config.window_ms, max_events=100)
    models = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    catalogue = read_catalogue(HERE / "catalogue.jsonl", EMBEDDER)
    contents = InMemoryContentStore(catalogue.contents, catalogue.vector_space)
    normalized = [
        normalize_events(
            json.dumps(request).encode(),
            EventMapper(plan),
            arrived_ms=now_ms,
            window_ms=config.window_ms,
        )
        for request in case["requests"]
    ]
    for batch in normalized:
        await buffer.append(batch.events, now_ms=now_ms)
    updater = UserModelUpdater(buffer, models, contents, basis)
    [refreshed] = await updater.refresh(case["user_id"], now_ms=now_ms)
    wanted = dict(case["recommend"])
    if near := wanted.get("near"):
        wanted["near"] = GeoPoint(*near)
    recommender = Recommender(models, contents, config.ranking, basis.config_version)
    request = RecommendRequest(user_id=case["user_id"], **wanted)
    answer = await recommender.recommend(request, now_ms=now_ms)
    return {
        "events": msgspec.to_builtins([event for batch in normalized for event in batch.events]),
        "rejections": [one.reason for batch in normalized for one in batch.rejections],
        "expired": sum(batch.expired for batch in normalized),
        "model": msgspec.to_builtins(refreshed.signals),
        "recommendation": msgspec.to_builtins(answer),
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_outcome_is_the_golden_one(path: Path, request: pytest.FixtureRequest) -> None:
    found = json.dumps(
        asyncio.run(outcome(json.loads(path.read_text()))), indent=1, ensure_ascii=False
    )
    expected = path.with_suffix(".expected.json")
    if request.config.getoption("--rewrite-golden"):
        expected.write_text(found + "\n")
    assert json.loads(found) == json.loads(expected.read_text())


def test_there_are_cases() -> None:
    assert len(CASES) >= 2
