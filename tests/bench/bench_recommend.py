"""`Recommender.recommend` with everything in memory: answers a second, p50 and p99.

Three catalogues: the bundled one, 10,000 made-up items that are hardly in groups,
and 100,000 stories in the mapped file of a snapshot; of the large ones more than
300 become candidates. Twenty visitors take turns, each with the model of 50
events about two things. Ceilings: ranking the same
pool without gathering it (`recommend_for_signals`), so what is missing is the
price of the model store and the searches; and for the rate also the same
candidates scored by one matrix product and sorted, which is what numpy needs
for a ranking without reasons, diversity or tags. The ceiling of an explained
answer is the plain one.
"""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from time import monotonic

import msgspec
import numpy as np

from adapters.contents import open_content_store
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from adapters.snapshot.file import open_snapshot, write_snapshot
from core.answering import recommend_for_signals
from core.candidates import gather_pool
from core.content import Content, ContentFilter
from core.index.build import build_index
from core.ports import ContentStore, UserModelStore
from core.ranking.context import AnswerContext
from core.ranking.pool import CandidatePool
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import to_grid
from tests.bench.harness import Effort, Repetition, Row, latency, medians, rate, repeated, run_async
from tests.bench.models import basis_of, save_models
from tests.bench.payloads import item_ids, visitor
from tests.bench.servers import scratch
from tests.stories import World

_ITEMS = 10_000
_CLUSTERS = 100
_DIM = 384
_FACETS = 8
_LABELS = 30
_LARGE = 100_000
_EVENTS = 50
_VISITORS = 20
_NEAR = 60
_CANDIDATES = 300
_OPEN = ContentFilter()


def measure(effort: Effort) -> list[Row]:
    """All three catalogues."""
    settings = SharedSettings()
    large = min(_LARGE, effort.count(_LARGE))
    with scratch() as folder:
        path = Path(folder) / "bench.snapshot"
        write_snapshot(build_index(World().stories(large)), path)
        catalogues: dict[str, ContentStore] = {
            "bundled catalogue": open_content_store(settings),
            "10,000 items": InMemoryContentStore(made_up_items()),
            f"{large:,} items of a snapshot": open_snapshot(path),
        }
        rows = []
        for name, contents in catalogues.items():
            rows += run_async(_measure(name, contents, settings, effort))
    return rows


def made_up_items(count: int = _ITEMS) -> Sequence[Content]:
    """Items in clusters, as stories about the same things are, each with a label of a facet."""
    draw = np.random.default_rng(1)
    centers = draw.normal(size=(_CLUSTERS, _DIM))
    vectors = centers[np.arange(count) % _CLUSTERS] + draw.normal(size=(count, _DIM))
    labels = draw.integers(_LABELS, size=(count, _FACETS))
    return [
        Content(
            id=f"item-{row:05d}",
            title=f"Item {row}",
            text="A story of some length. " * 20,
            tags={f"facet{facet}:label {label}": 1.0 for facet, label in enumerate(labels[row])},
            vector=to_grid(vector),
        )
        for row, vector in enumerate(vectors)
    ]


async def _measure(
    name: str, contents: ContentStore, settings: SharedSettings, effort: Effort
) -> list[Row]:
    models = InMemoryUserModelStore(ttl_s=3600, clock_s=monotonic)
    version = basis_of(settings).config_version
    recommender = Recommender(models, contents, settings.ranking, version)
    visits = [await _visit(number, contents, models, settings) for number in range(_VISITORS)]
    whose = cycle(visits)

    async def answer() -> None:
        request = next(whose).request
        await recommender.recommend(request, now_ms=clock_ms())

    async def explained() -> None:
        request = msgspec.structs.replace(next(whose).request, explain=True)
        await recommender.recommend(request, now_ms=clock_ms())

    async def rank() -> None:
        visit = next(whose)
        recommend_for_signals(visit.signals, visit.pool, visit.request, visit.context)

    async def product() -> None:
        visit = next(whose)
        matrix, likes = visit.pool.candidates.items.vectors, visit.pool.likes.vectors
        np.argsort(-(matrix @ likes.T).max(axis=1))[: visit.request.limit]

    runs: dict[str, Repetition] = {
        "answer": repeated(answer, effort.seconds / 2),
        "explained": repeated(explained, effort.seconds / 2),
        "rank": repeated(rank, effort.seconds / 2),
        "product": repeated(product, effort.seconds / 4),
    }
    found = await medians(runs, effort.repetitions)
    value, rank_only = found["answer"], found["rank"]
    named = f"recommend, {name}"
    return [
        rate(f"{named} | ranking alone", value.rate, rank_only.rate, "answers/s"),
        rate(f"{named} | one product", value.rate, found["product"].rate, "answers/s"),
        rate(f"{named}, explained | plain", found["explained"].rate, value.rate, "answers/s"),
        latency(f"{named}, p50 | ranking alone", value.p50_ms, rank_only.p50_ms),
        latency(f"{named}, p99 | ranking alone", value.p99_ms, rank_only.p99_ms),
    ]


class _Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One visitor's question, and what a ranking of it needs."""

    signals: UserSignals
    pool: CandidatePool
    request: RecommendRequest
    context: AnswerContext


async def _visit(
    number: int, contents: ContentStore, models: UserModelStore, settings: SharedSettings
) -> _Visit:
    """A visitor who reads about two things."""
    user = visitor(number)
    items: list[str] = []
    for seed in (2 * number, 2 * number + 1):
        [about] = await contents.sample(limit=1, seed=seed, where=_OPEN)
        items += (await contents.search_vector(about.vector, limit=_NEAR, where=_OPEN)).ids
    [signals] = await save_models([user], _EVENTS, contents, models, items=items)
    request = RecommendRequest(user_id=user)
    context = AnswerContext(
        request_id="bench", now_ms=clock_ms(), seed=1, config=settings.ranking, config_version=""
    )
    pool = await gather_pool(signals, request, contents, context)
    _require_worthy(pool, len(await item_ids(contents)))
    return _Visit(signals=signals, pool=pool, request=request, context=context)


def _require_worthy(pool: CandidatePool, items: int) -> None:
    """A pool that says something: by every generator, and large where the catalogue is."""
    generators = set(pool.candidates.counts())
    if not len(pool.likes) or not {"taste", "tags", "sample"} <= generators:
        raise RuntimeError(f"the model leads to nothing: {generators}, {len(pool.likes)} likes")
    if items > _CANDIDATES > len(pool.candidates):
        raise RuntimeError(f"{len(pool.candidates)} candidates are too few")
