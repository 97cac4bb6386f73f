"""`QdrantContentRepository`: the source of truth of the catalogue, as import writes it."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from adapters.qdrant import collections, points
from adapters.qdrant.collections import Served
from adapters.qdrant.connection import NotThereError, Qdrant
from adapters.qdrant.filters import filter_of
from adapters.qdrant.writer import QdrantContentWriter
from core.content import ContentFilter
from core.ports import StoredContent

_RETIRED_S = 2.0
"""How long a replaced collection stays: who reads it learns of the new one in less."""


def wall_clock_ms() -> int:
    """Units: Unix milliseconds."""
    return time.time_ns() // 1_000_000


class QdrantContentRepository:
    """An alias over one collection a vector space."""

    def __init__(
        self,
        qdrant: Qdrant,
        alias: str,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
        retired_s: float = _RETIRED_S,
    ) -> None:
        """Nothing is asked yet."""
        self._qdrant = qdrant
        self._alias = alias
        self._now_ms = now_ms
        self._retired_s = retired_s

    async def mark(self) -> str:
        """The collection, how many items it has and shows, and when the newest was written.

        Of what other hands do, it so tells at once that items are gone or hidden.
        """
        served = await self._served()
        if served is None:
            return ""
        return await mark_of(self._qdrant, served.name)

    async def vector_space(self) -> str | None:
        """As the served collection's metadata say."""
        served = await self._served()
        return None if served is None else served.vector_space

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """Every item of the collection that is served when it begins."""
        served = await self._served()
        if served is not None:
            async for page in points.pages(self._qdrant, served.name, vectors=vectors):
                yield page

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist among `content_ids`."""
        try:
            return await points.found(self._qdrant, self._alias, content_ids)
        except NotThereError:
            return {}

    async def open(self, *, vector_space: str, dim: int) -> QdrantContentWriter:
        """The collection of that space, made unless it is there.

        Raises: ConfigError where it holds vectors of another length.
        """
        await collections.require_alias(self._qdrant, self._alias)
        made = await collections.make_collection(self._qdrant, self._alias, vector_space, dim)
        newest_ms = await points.newest_ms(self._qdrant, made.name)
        return QdrantContentWriter(
            self._qdrant,
            self._alias,
            made,
            # Of an item's two writes the later one says so, even in one millisecond.
            _Rising(self._now_ms, newest_ms).next,
            retired_s=self._retired_s,
        )

    async def _served(self) -> Served | None:
        return await collections.served_collection(self._qdrant, self._alias)


class _Rising:
    """A clock that never says the same twice, and nothing before what was written already."""

    def __init__(self, now_ms: Callable[[], int], last_ms: int) -> None:
        self._now_ms = now_ms
        self._last_ms = last_ms

    def next(self) -> int:
        self._last_ms = max(self._now_ms(), self._last_ms + 1)
        return self._last_ms


async def mark_of(qdrant: Qdrant, name: str) -> str:
    """What `ContentRepository.mark` says of a collection."""
    try:
        number = await points.count(qdrant, name)
        shown = await points.count(qdrant, name, filter_of(ContentFilter()))
        newest_ms = await points.newest_ms(qdrant, name)
    except NotThereError:
        return ""
    return f"{name.rpartition('.')[2]}-{number}-{shown}-{newest_ms}"
