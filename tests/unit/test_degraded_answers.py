"""Answers without models or catalogue: full, in scope, marked, and with an id of their own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from adapters.exposition import expose_metrics
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import FakeEventSource
from adapters.snapshot.live import LiveContentStore
from adapters.standby import some_of, standby_of
from core.config import ModelConfig, RankingConfig
from core.content import ContentFilter, ContentRules
from core.errors import NoCatalogueError, RejectedError, RetryableError
from core.modelling.build import ModelBasis
from core.ports import ContentStore
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.standby import Standby
from serve_api.api import ServeApi
from serve_api.guard import BreakerGuard
from serve_api.guarded_models import GuardedModels
from serve_api.metrics import ServeMetrics
from serve_api.settings import ServeSettings
from serve_api.sources import Sources
from tests.build import NOW_MS, PLAN, content, read, signals_of
from tests.gates import serve_gate_of
from tests.harmed import Contents, Models
from tests.laws.test_answers import IDS, REQUESTS, STORE

CONTENTS = {one.id: one for one in STORE.contents}
MODEL = signals_of(read("hiding-0", 40), contents=tuple(CONTENTS.values()))
TIMEOUT_S = 0.02
MATES = [f"mate-{number}" for number in range(9)]


@pytest.fixture
async def models() -> Models:
    models = Models()
    await models.save_signals([MODEL])
    return models


async def recommend(
    models: Models | GuardedModels,
    contents: ContentStore = STORE,
    standby: Standby | None = None,
    **request: Any,
) -> Recommendation:
    recommender = Recommender(models, contents, RankingConfig(), "c1", standby=standby)
    wanted = RecommendRequest(**({"user_id": "u1"} | request))
    return await recommender.recommend(wanted, now_ms=NOW_MS)


async def test_without_models_everybody_gets_a_strangers_list_that_says_so(models: Models) -> None:
    stranger = await recommend(models, user_id="nobody")
    models.harm.error = RetryableError("Redis is away")
    answer = await recommend(models, user_id="nobody")
    assert (answer.degraded, stranger.degraded) == (("models",), ())
    assert answer.items == stranger.items
    assert answer.strategy == "cold_diverse"
    assert answer.request_id != stranger.request_id, "they are not the same bytes"
    assert answer.etag() != stranger.etag()


@asynccontextmanager
async def guarded(models: Models) -> AsyncIterator[GuardedModels]:
    async with BreakerGuard(
        "models", lambda: models.get_signals("nobody"), timeout_s=TIMEOUT_S, repeats=True
    ) as guard:
        yield GuardedModels(models, guard)


@asynccontextmanager
async def standing_by(contents: Contents, kept: ContentStore) -> AsyncIterator[Standby]:
    async def probe() -> None:
        await contents.sample(limit=1, seed=0, where=ContentFilter())

    async with BreakerGuard("contents", probe, timeout_s=TIMEOUT_S) as guard:
        yield Standby(contents=kept, guard=guard)


async def when_well(*given: Any) -> Recommendation:
    async with asyncio.timeout(5):
        while (answer := await recommend(*given)).degraded:  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)
    return answer


async def test_hanging_models_cost_a_few_waits_and_then_none(models: Models) -> None:
    async with guarded(models) as reader:
        before = models.harm.asked
        models.harm.hangs = True
        for _ in range(20):
            assert (await recommend(reader)).degraded == ("models",)
        assert models.harm.asked - before <= 5, "three requests and a probe or two"
        models.harm.hangs = False
        assert (await when_well(reader)).strategy == "warm"


async def test_the_probe_of_models_is_the_call_that_has_failed(models: Models) -> None:
    """In a cluster the others may be well while the visitor's node is away."""
    async with guarded(models) as reader:
        models.harm.away_for = "u1"
        for _ in range(3):
            await recommend(reader)
        await asyncio.sleep(0.6)
        assert (await recommend(reader, user_id="nobody")).degraded == ("models",)
        models.harm.away_for = None
        await when_well(reader)


async def test_the_log_tells_when_it_begins_and_when_it_ends(models: Models) -> None:
    with capture_logs() as logs:
        async with guarded(models) as reader:
            models.harm.error = RetryableError("Redis is away")
            for _ in range(20):
                await recommend(reader)
            models.harm.error = None
            await when_well(reader)
    assert [(one["event"], one["away"]) for one in logs] == [
        ("answers.degraded", "models"),
        ("answers.recovered", "models"),
    ]
    assert logs[1]["seconds"] >= 0.2


@pytest.mark.parametrize("error", [RetryableError("away"), RejectedError("no"), None], ids=repr)
async def test_without_its_catalogue_an_answer_is_made_from_what_was_kept(
    models: Models, error: Exception | None
) -> None:
    contents = Contents(CONTENTS.values())
    kept = InMemoryContentStore([CONTENTS[one] for one in IDS if one.startswith("music")])
    async with standing_by(contents, kept) as standby:
        usual = await recommend(models, contents, standby)
        assert (usual.degraded, usual.diagnostics.catalogue_version) == ((), contents.version)
        contents.harm.error, contents.harm.hangs = error, error is None
        for _ in range(5):
            answer = await recommend(models, contents, standby)
            assert answer.degraded == ("contents",)
            assert {item.content_id for item in answer.items} == set(kept_ids(kept))
            assert answer.strategy == "warm"
            assert answer.request_id != usual.request_id
        models.harm.error = RetryableError("away")
        assert (await recommend(models, contents, standby)).degraded == ("models", "contents")
        contents.harm.error, contents.harm.hangs, models.harm.error = None, False, None
        await when_well(models, contents, standby)


def kept_ids(kept: InMemoryContentStore) -> list[str]:
    return [one.id for one in kept.contents]


async def test_before_anything_was_kept_there_is_no_catalogue(models: Models) -> None:
    contents = Contents(CONTENTS.values())
    async with standing_by(contents, LiveContentStore()) as standby:
        contents.harm.error = RetryableError("away")
        with pytest.raises(NoCatalogueError, match="no catalogue yet"):
            await recommend(models, contents, standby)


async def test_what_is_kept_is_gathered_as_soon_as_there_is_a_catalogue() -> None:
    live = LiveContentStore()
    async with standby_of(live) as kept:
        await asyncio.sleep(0.01)
        with pytest.raises(NoCatalogueError):
            kept.edition()
        live.swap(STORE)
        async with asyncio.timeout(5):
            while not kept.is_there:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.01)
        assert kept.version == STORE.version, "it is small enough to be kept whole"


async def test_what_curators_pinned_what_is_popular_and_whole_groups_are_kept() -> None:
    items = [
        content("pinned", rules=ContentRules(pinned=1, together="pair")),
        *(content(mate, rules=ContentRules(together="pair")) for mate in MATES),
        content("hidden", rules=ContentRules(hidden=True)),
        *(content(f"plain-{number}") for number in range(600)),
        *(content(f"popular-{number}", popularity=number + 1.0) for number in range(250)),
    ]
    kept = {one.id for one in await some_of(InMemoryContentStore(items))}
    assert {"pinned", *MATES} | {f"popular-{number}" for number in range(50, 250)} <= kept
    assert "hidden" not in kept
    assert 400 < len(kept) <= 501 + len(MATES)


@given(request=REQUESTS, models_away=st.booleans(), contents_away=st.booleans())
@settings(deadline=None, max_examples=60)
async def test_an_answer_stays_in_its_scope_whatever_is_away(
    request: RecommendRequest, *, models_away: bool, contents_away: bool
) -> None:
    models, contents = Models(), Contents(STORE.contents)
    await models.save_signals([MODEL])
    models.harm.error = RetryableError("away") if models_away else None
    contents.harm.error = RetryableError("away") if contents_away else None
    kept = InMemoryContentStore(list(STORE.contents)[::2])
    async with standing_by(contents, kept) as standby:
        recommender = Recommender(models, contents, RankingConfig(), "c1", standby=standby)
        answer = await recommender.recommend(request, now_ms=NOW_MS)
    allowed = [one for one in STORE.contents if request.scope().allows(one)]
    there = {one.id for one in allowed} & (set(kept_ids(kept)) if contents_away else set(IDS))
    listed = {item.content_id for item in answer.items}
    assert listed <= there
    assert len(listed) == min(request.limit, len(there))
    assert ("models" in answer.degraded, "contents" in answer.degraded) == (
        models_away,
        contents_away,
    )


@asynccontextmanager
async def api(models: Models, contents: ContentStore) -> AsyncIterator[httpx.AsyncClient]:
    """The read API; its numbers are at /metrics."""
    registry = CollectorRegistry()
    async with guarded(models) as reader:
        sources = Sources(
            models=reader,
            patient_models=reader,
            contents=contents,
            events=FakeEventSource(()),
            views=lambda: None,
        )
        app = ServeApi(
            sources,
            ModelBasis.of(PLAN, ModelConfig()),
            half_life_days=7.0,
            settings=ServeSettings(),
            gate=serve_gate_of(ServeSettings()),
            clock_ms=lambda: NOW_MS,
            metrics=ServeMetrics(registry),
        ).app()
        transport = httpx.ASGITransport(expose_metrics(app, registry))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client


async def test_the_api_stays_ready_while_models_are_away_and_says_what_is(models: Models) -> None:
    async with api(models, STORE) as client:
        assert (await client.get("/readyz")).json() == {"status": "ready", "degraded": []}
        models.harm.hangs = True
        for _ in range(4):
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["degraded"]) == (200, ["models"])
            answer = await client.get("/api/recommend?user_id=u1")
            assert (answer.status_code, answer.json()["degraded"]) == (200, ["models"])
            assert (await client.get("/api/usermodel?user_id=u1")).status_code == 503
        numbers = (await client.get("/metrics")).text
        assert 'ai_engine_degraded_answers_total{away="models"} 4.0' in numbers
        assert 'ai_engine_degraded_answers_total{away="contents"} 0.0' in numbers


async def test_the_api_is_not_ready_without_a_catalogue(models: Models) -> None:
    async with api(models, LiveContentStore()) as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["detail"]) == (503, "no catalogue yet")
