"""`QdrantContentStore`: the catalogue asked at its source, without a snapshot.

A step of the network a search, for catalogues that must not lie anywhere else;
every answer is the one that a snapshot of the same items gives.
"""

import asyncio
import copy
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import msgspec
from qdrant_client import models

from adapters.qdrant.best import Hit, best
from adapters.qdrant.collections import Served, served_collection
from adapters.qdrant.connection import Qdrant
from adapters.qdrant.filters import any_of, around, filter_of, has_word, in_range
from adapters.qdrant.payload import DENSE, DRAW, SPARSE, direction, sparse_vector
from adapters.qdrant.repository import mark_of
from adapters.qdrant.searching import Found, Searching
from core.columns import ContentRows
from core.content import Content, ContentFilter
from core.errors import ConfigError
from core.geo import GeoPoint
from core.tags import tag_key, word_keys
from core.vectors import GRID, GridVector

_RINGS = (1 / 64, 1 / 16, 1 / 4, 1.0)
"""Of a radius: a search around a place looks no farther than the first that holds enough."""
_MARGIN = 1e-4
"""Qdrant sums weights of tags as single floats."""


class _Edition(msgspec.Struct, frozen=True, kw_only=True):
    """What stood behind the alias at a moment."""

    served: Served
    version: str


class QdrantContentStore:
    """What stands behind an alias; `refresh` learns that something else does."""

    def __init__(self, qdrant: Qdrant, alias: str, edition: _Edition) -> None:
        """See `open`."""
        self._qdrant = qdrant
        self._alias = alias
        self._edition = edition

    @classmethod
    async def open(cls, qdrant: Qdrant, alias: str) -> "QdrantContentStore":
        """The catalogue that is served now.

        Raises: ConfigError where there is none.
        """
        return cls(qdrant, alias, await _edition(qdrant, alias))

    async def refresh(self) -> bool:
        """Ask what is served now. Returns whether anything has changed.

        Raises: RetryableError where Qdrant is away, ConfigError where the
            catalogue is; the store stays as it was.
        """
        former, self._edition = self._edition, await _edition(self._qdrant, self._alias)
        return former != self._edition

    @property
    def version(self) -> str:
        """The repository's mark when it was last asked."""
        return self._edition.version

    @property
    def vector_space(self) -> str:
        """As the collection's metadata say."""
        return self._edition.served.vector_space

    def edition(self) -> "QdrantContentStore":
        """The same collection whatever the alias does; items in it may change."""
        return copy.copy(self)

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`."""
        return {content.id: content for content in await self._asked.items(content_ids)}

    async def rows(self, content_ids: Sequence[str]) -> ContentRows:
        """The same in the order asked, each once."""
        return ContentRows.of(await self._asked.items(content_ids))

    async def inside(self, content_ids: Sequence[str], *, where: ContentFilter) -> ContentRows:
        """Those that a search may find, in the order asked, each once."""
        return await self._rows(content_ids, where)

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Nearest by cosine, ties by id; compared with every vector."""
        query = vector.tolist()

        async def fetch(asked: int) -> Sequence[Hit]:
            found = await self._asked.nearest(query, DENSE, filter_of(where), asked)
            return [_hit(one, _cosine(one.score), where) for one in found]

        return await self._rows(await best(fetch, limit), where)

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By the sum of tag weight times item weight; items without any stay out."""
        wanted: dict[str, float] = {}
        for tag, weight in tags.items():
            wanted[tag_key(tag)] = wanted.get(tag_key(tag), 0.0) + weight
        query = sparse_vector(wanted.items())

        async def fetch(asked: int) -> Sequence[Hit]:
            found = await self._asked.nearest(query, SPARSE, filter_of(where), asked, ["tags"])
            return [_tag_hit(one, wanted, where) for one in found]

        ids = await best(fetch, limit, margin=_MARGIN) if wanted else ()
        return await self._rows(ids, where)

    async def search_related(
        self, content_ids: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By the sum of item weight times relation weight."""
        closeness: dict[str, float] = {}
        for content in await self._asked.items(list(content_ids)):
            for other, weight in content.related.items():
                more = weight * content_ids[content.id]
                closeness[other] = closeness.get(other, 0.0) + more
        ids = sorted(
            (one for one, value in closeness.items() if value > 0),
            key=lambda one: (-closeness[one], one),
        )
        return (await self._rows(ids, where))[:limit]

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Within the radius, nearest first, ties by id."""
        rings = [radius_m * share for share in _RINGS]
        filters = [filter_of(where, around(near, ring)) for ring in rings]
        numbers = await asyncio.gather(*(self._asked.count(one) for one in filters))
        ids: list[str] = []
        for ring, inside, number in zip(rings, filters, numbers, strict=True):
            if number < limit and ring < radius_m:
                continue
            found = [one for one in await self._asked.every(inside) if one.inside(where)]
            metres = sorted((one.metres(near), one.content_id) for one in found)
            ids = [content_id for away, content_id in metres if away <= ring][:limit]
            if len(ids) == limit:
                break
        return await self._rows(ids, where)

    async def search_popular(self, *, limit: int, where: ContentFilter) -> ContentRows:
        """The most popular, ties by id."""
        order = models.OrderBy(key="popularity", direction=models.Direction.DESC)
        some = filter_of(where, in_range("popularity", gt=0.0))

        async def fetch(asked: int) -> Sequence[Hit]:
            found = await self._asked.ordered(order, some, asked)
            return [_hit(one, one.score, where) for one in found]

        return await self._rows(await best(fetch, limit), where)

    async def search_text(self, query: str, *, limit: int, where: ContentFilter) -> ContentRows:
        """By how many of the query's words an item has, then how many of them its title has."""
        asked = set(word_keys(query))
        words = [has_word(word) for word in sorted(asked)]
        ids: dict[str, None] = {}
        for number in range(len(words), 0, -1):
            if len(ids) >= limit:
                break
            every = await self._asked.every(filter_of(where, at_least=(number, words)), ["title"])
            found = [one for one in every if one.inside(where)]
            ranked = sorted((-_in_title(one, asked), one.content_id) for one in found)
            ids |= dict.fromkeys(content_id for _, content_id in ranked)
        return await self._rows(list(ids)[:limit], where)

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> ContentRows:
        """A draw that only `seed` decides: what lies next to a random direction."""
        query = direction(f"seed {seed}")

        async def fetch(asked: int) -> Sequence[Hit]:
            found = await self._asked.nearest(query, DRAW, filter_of(where), asked)
            return [_hit(one, one.score, where) for one in found]

        return await self._rows(await best(fetch, limit), where)

    async def pinned(self, *, where: ContentFilter) -> ContentRows:
        """Items that curators gave a rank, by that rank."""
        every = await self._asked.whole(filter_of(where, in_range("pinned", gte=0)))
        ranks = [(content.rules.pinned or 0, content.id, content) for content in every]
        return _allowed((content for *_, content in sorted(ranks, key=lambda one: one[:2])), where)

    async def together(self, groups: Sequence[str]) -> Mapping[str, ContentRows]:
        """The members of each group that exists, by id."""
        every = await self._asked.whole(models.Filter(must=[any_of("together", groups)]))
        members: dict[str, list[Content]] = {}
        for content in sorted(every, key=lambda one: one.id):
            members.setdefault(content.rules.together or "", []).append(content)
        return {name: ContentRows.of(members[name]) for name in groups if name in members}

    async def _rows(self, content_ids: Sequence[str], where: ContentFilter) -> ContentRows:
        return _allowed(await self._asked.items(content_ids), where)

    @property
    def _asked(self) -> Searching:
        return Searching(self._qdrant, self._edition.served.name)


async def _edition(qdrant: Qdrant, alias: str) -> _Edition:
    served = await served_collection(qdrant, alias)
    if served is None:
        raise ConfigError(
            f"there is no catalogue behind QDRANT_COLLECTION={alias!r}: import one with "
            "`ai-engine content import`"
        )
    return _Edition(served=served, version=await mark_of(qdrant, served.name))


def _allowed(contents: Iterable[Content], where: ContentFilter) -> ContentRows:
    """Those inside; an item may have changed since it was found."""
    return ContentRows.of(content for content in contents if where.allows(content))


def _hit(found: Found, value: float, where: ContentFilter) -> Hit:
    return Hit(value, found.content_id, found.inside(where))


def _in_title(found: Found, words: AbstractSet[str]) -> int:
    return len(words & set(word_keys(str(found.payload.get("title") or ""))))


def _cosine(product: float) -> float:
    """Clipped as `core.vectors.cosines` does, for more ties than there are of products."""
    return max(-1.0, min(1.0, product / (GRID * GRID)))


def _tag_hit(found: Found, wanted: Mapping[str, float], where: ContentFilter) -> Hit:
    """Valued by the tags themselves: two may share a number of the sparse vector."""
    tags: dict[str, float] = found.payload.get("tags") or {}
    value = sum(wanted.get(tag_key(tag), 0.0) * weight for tag, weight in tags.items())
    if value > 0:
        return _hit(found, value, where)
    return Hit(found.score, found.content_id, inside=False)
