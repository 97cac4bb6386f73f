"""The searches of one answer in an index, for visitors who like a few things each.

They like six items near each other, every third two such groups, and have seen
25 others. Ceilings: the product of a vector with the rows that were found, which
a ranking needs anyway; for the vector search also that with every row.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import cycle

import msgspec
import numpy as np

from core.columns import ContentRows
from core.content import ContentFilter
from core.geo import GeoPoint
from core.index.calibrate import exact_nearest
from core.index.contents import IndexedContents
from core.ragged import Rows
from core.vectors import Floats, GridVector, to_grid
from tests.bench.harness import Effort, Repetition, Row, latency, medians, repeated

_VISITORS = 200
_LIKES = 6
_NEAR = 60
_SEEN = 25
_TAGS = 20
_RADIUS_M = 5_000.0
_NOW_MS = 1_764_000_000_000
_OPEN = ContentFilter()


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the searches are made for."""

    taste: GridVector
    tags: Mapping[str, float]
    near: GeoPoint
    words: str
    seen: frozenset[str]


Search = Callable[[Visitor, ContentFilter], Awaitable[ContentRows]]


async def measure_searches(name: str, store: IndexedContents, effort: Effort) -> list[Row]:
    """Recall, and the times of every search."""
    visitors = await _visitors(store)
    rows = [await _vector_recall(name, store, visitors), await _tag_share(name, store, visitors)]
    searches = _searches(store)
    runs: dict[str, Repetition] = {}
    for what, parts in searches.items():
        runs[what] = repeated(_asking(parts, visitors), effort.seconds / 4)
        found = [await _found(parts, visitor) for visitor in visitors]
        runs[f"{what}, ranked"] = repeated(_ranking(store, found, visitors), effort.seconds / 8)
    every = np.arange(len(store.columns))
    runs["every row"] = repeated(_ranking(store, [every], visitors[:1]), effort.seconds / 4)
    taken = await medians(runs, effort.repetitions)
    for what in searches:
        value, ranked = taken[what], taken[f"{what}, ranked"]
        named = f"{name}, {what}"
        rows.append(latency(f"{named}, p50 | product with its rows", value.p50_ms, ranked.p50_ms))
        rows.append(latency(f"{named}, p99 | product with its rows", value.p99_ms, ranked.p99_ms))
    named = f"{name}, vector, p50 | product with every row"
    rows.append(latency(named, taken["vector"].p50_ms, taken["every row"].p50_ms))
    return rows


def _searches(store: IndexedContents) -> dict[str, tuple[Search, ...]]:
    """By the names of their rows."""

    async def vector(who: Visitor, where: ContentFilter) -> ContentRows:
        return await store.search_vector(who.taste, limit=200, where=where)

    async def tags(who: Visitor, where: ContentFilter) -> ContentRows:
        return await store.search_tags(who.tags, limit=150, where=where)

    async def geo(who: Visitor, where: ContentFilter) -> ContentRows:
        return await store.search_geo(who.near, radius_m=_RADIUS_M, limit=100, where=where)

    async def sample(who: Visitor, where: ContentFilter) -> ContentRows:
        return await store.sample(limit=100, seed=len(who.words), where=where)

    async def popular(_: Visitor, where: ContentFilter) -> ContentRows:
        return await store.search_popular(limit=100, where=where)

    async def text(who: Visitor, where: ContentFilter) -> ContentRows:
        return await store.search_text(who.words, limit=50, where=where)

    single = {"vector": vector, "tags": tags, "geo": geo, "sample": sample}
    others = {"popular": popular, "text": text}
    alone = {name: (search,) for name, search in {**single, **others}.items()}
    return {**alone, "the first four": tuple(single.values())}


def _asking(parts: Sequence[Search], visitors: Sequence[Visitor]) -> Callable[[], Awaitable[None]]:
    whose = cycle(visitors)

    async def ask() -> None:
        visitor = next(whose)
        where = ContentFilter(exclude=visitor.seen, now_ms=_NOW_MS)
        for search in parts:
            await search(visitor, where)

    return ask


async def _found(parts: Sequence[Search], visitor: Visitor) -> Rows:
    return np.concatenate([(await search(visitor, _OPEN)).rows for search in parts])


def _ranking(
    store: IndexedContents, found: Sequence[Rows], visitors: Sequence[Visitor]
) -> Callable[[], Awaitable[None]]:
    whose = cycle(list(zip(found, visitors, strict=True)))
    vectors = store.columns.vectors

    async def rank() -> None:
        rows, visitor = next(whose)
        # A slice where it is everything: the rows are not copied for the product.
        (vectors if len(rows) == len(vectors) else vectors[rows]) @ visitor.taste

    return rank


async def _visitors(store: IndexedContents) -> list[Visitor]:
    random = np.random.default_rng(3)
    visitors: list[Visitor] = []
    while len(visitors) < _VISITORS:
        liked = await _liked(store, random)
        if len(visitors) % 3 == 0:
            liked = [*liked[: _LIKES // 2], *(await _liked(store, random))[: _LIKES // 2]]
        items = [store.columns.contents[row] for row in liked]
        weights: dict[str, float] = {}
        for one, strength in zip(items, random.random(len(items)).tolist(), strict=True):
            for key, weight in one.keyed_tags:
                weights[key] = weights.get(key, 0.0) + strength * weight
        place = items[0].position
        assert place is not None
        visitors.append(
            Visitor(
                taste=to_grid(np.sum([one.vector for one in items], axis=0)),
                tags=dict(sorted(weights.items(), key=lambda pair: -pair[1])[:_TAGS]),
                near=place,
                words=" ".join(items[0].text.split()[-2:]),
                seen=frozenset(store.columns.ids.take(random.integers(len(store), size=_SEEN))),
            )
        )
    return visitors


async def _liked(store: IndexedContents, random: np.random.Generator) -> list[int]:
    one = store.columns.vectors[random.integers(len(store))]
    near = await store.search_vector(one, limit=_NEAR, where=_OPEN)
    liked: list[int] = random.choice(near.rows, _LIKES, replace=False).tolist()
    return liked


async def _vector_recall(name: str, store: IndexedContents, visitors: Sequence[Visitor]) -> Row:
    """Of the nearest 200; who ties with the last of them is as good."""
    tastes = np.stack([visitor.taste for visitor in visitors])
    vectors = store.columns.vectors
    shares = []
    for taste, exact in zip(tastes, exact_nearest(vectors, tastes, 200), strict=True):
        found = await store.search_vector(taste, limit=200, where=_OPEN)
        shares.append(np.mean(found.vectors @ taste >= (vectors[exact] @ taste).min()))
    share = float(np.mean(shares))
    return Row(
        name=f"{name}, recall of 200 by vector | brute force",
        value=share,
        unit="share",
        ceiling=1.0,
        ratio=share,
    )


async def _tag_share(name: str, store: IndexedContents, visitors: Sequence[Visitor]) -> Row:
    """What the found items share with the profile, of what the best 150 do."""
    every = store.columns.tags.of(np.arange(len(store)))
    shares = []
    for visitor in visitors[:: len(visitors) // 20]:
        sums: Floats = every.overlap(store.columns.tags.profile(visitor.tags))
        found = await store.search_tags(visitor.tags, limit=150, where=_OPEN)
        shares.append(sums[found.rows].sum() / np.sort(sums)[-len(found) :].sum())
    share = float(np.mean(shares))
    return Row(
        name=f"{name}, shared tags of 150 by tags | brute force",
        value=share,
        unit="share",
        ceiling=1.0,
        ratio=share,
    )
