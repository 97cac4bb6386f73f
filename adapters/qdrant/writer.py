"""`QdrantContentWriter`: writes one vector space's collection, and has it served."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from adapters.qdrant import collections, points
from adapters.qdrant.collections import Served
from adapters.qdrant.connection import Qdrant
from adapters.qdrant.payload import point_of
from core.errors import RejectedError
from core.ports import ItemDigests, StoredContent


class QdrantContentWriter:
    """Into the served collection, or into one beside it that nobody reads yet."""

    def __init__(
        self,
        qdrant: Qdrant,
        alias: str,
        collection: Served,
        next_ms: Callable[[], int],
        *,
        retired_s: float,
    ) -> None:
        """`next_ms` gives each write a time after the one before."""
        self._qdrant = qdrant
        self._alias = alias
        self._collection = collection
        self._next_ms = next_ms
        self._retired_s = retired_s

    async def digests(self) -> Mapping[str, ItemDigests]:
        """Computed from what lies there, so that what other hands changed is a change."""
        every: dict[str, ItemDigests] = {}
        async for page in points.pages(self._qdrant, self._collection.name, vectors=False):
            every |= {stored.content.id: stored.digests for stored in page}
        return every

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist here among `content_ids`."""
        return await points.found(self._qdrant, self._collection.name, content_ids)

    async def upsert(self, items: Sequence[StoredContent]) -> None:
        """Add or replace; of two of one id the later one stays.

        Raises: RejectedError where a vector has another length than the collection's.
        """
        for stored in items:
            self._require_vector(stored)
        changed_ms = self._next_ms()
        await points.write(
            self._qdrant,
            self._collection.name,
            [point_of(stored, changed_ms=changed_ms) for stored in items],
        )

    async def delete(self, content_ids: Sequence[str]) -> None:
        """Remove items; unknown ids are no error."""
        await points.delete(self._qdrant, self._collection.name, content_ids)

    async def commit(self) -> None:
        """Serve this collection; one that replaces another removes all others.

        A commit to the served one removes only what a killed commit has left: a
        collection of another space that is being built beside it stays.
        """
        own = self._collection.name
        served = await collections.served_collection(self._qdrant, self._alias)
        if served is None or served.name != own:
            if served is not None:
                await collections.retire(self._qdrant, self._alias, served.name)
            await collections.serve(self._qdrant, self._alias, own)
            replaced = await collections.others(self._qdrant, self._alias, own)
        else:
            replaced = await collections.retired(self._qdrant, self._alias, own)
        if replaced:
            await asyncio.sleep(self._retired_s)
        for name in replaced:
            await collections.remove(self._qdrant, name)

    def _require_vector(self, stored: StoredContent) -> None:
        if stored.content.vector.shape != (self._collection.dim,):
            raise RejectedError(
                f"the vector of {stored.content.id!r} has {stored.content.vector.size} numbers, "
                f"those of {self._collection.vector_space!r} have {self._collection.dim}"
            )
