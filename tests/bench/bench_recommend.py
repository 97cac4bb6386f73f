"""`Recommender.recommend` with everything in memory: answers a second, p50 and p99.

Two catalogues: the bundled one, and 10,000 made-up items, of which more than
300 become candidates; the model is of 50 events. Ceilings: ranking the same
pool without gathering it (`recommend_for_signals`), so what is missing is the
price of the model store and the searches; and for the rate also the same
candidates scored by one matrix product and sorted, which is what numpy needs
for a ranking without reasons, diversity or tags.
"""

from collections.abc import Sequence
from time import monotonic

import numpy as np

from adapters.contents import open_content_store
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.candidates import gather_pool
from core.content import Content
from core.ports import ContentStore
from core.ranking.pool import CandidatePool
from core.ranking.recommend import AnswerContext, recommend_for_signals
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from core.vectors import to_grid
from tests.bench.harness import Effort, Repetition, Row, latency, medians, rate, repeated, run_async
from tests.bench.models import basis_of, save_models
from tests.bench.payloads import item_ids, visitor

_ITEMS = 10_000
_CLUSTERS = 100
_DIM = 384
_FACETS = 8
_LABELS = 30
_EVENTS = 50
_CANDIDATES = 300
_USER = visitor(1)


def measure(effort: Effort) -> list[Row]:
    """Both catalogues."""
    settings = SharedSettings()
    catalogues: dict[str, ContentStore] = {
        "bundled catalogue": open_content_store(settings),
        "10,000 items": InMemoryContentStore(made_up_items()),
    }
    rows = []
    for name, contents in catalogues.items():
        rows += run_async(_measure(name, contents, settings, effort))
    return rows


def made_up_items() -> Sequence[Content]:
    """Items in clusters, as stories about the same things are, each with a label of a facet."""
    draw = np.random.default_rng(1)
    centers = draw.normal(size=(_CLUSTERS, _DIM))
    vectors = centers[np.arange(_ITEMS) % _CLUSTERS] + draw.normal(size=(_ITEMS, _DIM))
    labels = draw.integers(_LABELS, size=(_ITEMS, _FACETS))
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
    [signals] = await save_models([_USER], _EVENTS, contents, models)
    recommender = Recommender(models, contents, settings.ranking, basis_of(settings).config_version)
    request = RecommendRequest(user_id=_USER)
    context = AnswerContext(
        request_id="bench", now_ms=clock_ms(), seed=1, config=settings.ranking, config_version=""
    )
    pool = await gather_pool(signals, request, contents, context)
    _require_worthy(pool, len(await item_ids(contents)))
    matrix, likes = pool.candidates.items.vectors, pool.likes.vectors

    async def answer() -> None:
        await recommender.recommend(request, request_id="bench", now_ms=clock_ms())

    async def rank() -> None:
        recommend_for_signals(signals, pool, request, context)

    async def product() -> None:
        np.argsort(-(matrix @ likes.T).max(axis=1))[: request.limit]

    runs: dict[str, Repetition] = {
        "answer": repeated(answer, effort.seconds / 2),
        "rank": repeated(rank, effort.seconds / 2),
        "product": repeated(product, effort.seconds / 4),
    }
    found = await medians(runs, effort.repetitions)
    value, rank_only = found["answer"], found["rank"]
    named = f"recommend, {name}"
    return [
        rate(f"{named} | ranking alone", value.rate, rank_only.rate, "answers/s"),
        rate(f"{named} | one product", value.rate, found["product"].rate, "answers/s"),
        latency(f"{named}, p50 | ranking alone", value.p50_ms, rank_only.p50_ms),
        latency(f"{named}, p99 | ranking alone", value.p99_ms, rank_only.p99_ms),
    ]


def _require_worthy(pool: CandidatePool, items: int) -> None:
    """A pool that says something: by every generator, and large where the catalogue is."""
    generators = set(pool.candidates.counts())
    if not len(pool.likes) or not {"taste", "tags", "sample"} <= generators:
        raise RuntimeError(f"the model leads to nothing: {generators}, {len(pool.likes)} likes")
    if items > _CANDIDATES > len(pool.candidates):
        raise RuntimeError(f"{len(pool.candidates)} candidates are too few")
