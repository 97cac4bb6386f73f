"""The batches of an import on their way into a writer, and what became of them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from core.ports import ContentWriter, Embedder, ItemDigests, StoredContent
from core.vectors import GridVector, to_grid

T = TypeVar("T")


class ImportOutcome(msgspec.Struct, kw_only=True):
    """What an import has done; after one that was stopped, only what that had left."""

    written: int = 0
    unchanged: int = 0
    embedded: int = 0
    carried: int = 0
    """Items that the file does not have, embedded anew with all others."""
    removed: int = 0


class ImportWriting:
    """The batches on their way into one writer."""

    def __init__(
        self, writer: ContentWriter, there: Mapping[str, ItemDigests], embedder: Embedder
    ) -> None:
        """`there`: what the writer's catalogue holds before the import."""
        self.outcome = ImportOutcome()
        self._writer = writer
        self._there = there
        self._embedder = embedder
        self._seen: set[str] = set()

    async def write(self, items: Sequence[StoredContent]) -> None:
        """Store those that are not there as they are, each with its vector."""
        self._seen |= {one.content.id for one in items}
        missing = [one for one in items if self._there.get(one.content.id) != one.digests]
        self.outcome.unchanged += len(items) - len(missing)
        if missing:
            vectors = await self._kept_vectors(missing)
            vectors |= self._embedded([one for one in missing if one.content.id not in vectors])
            await self._writer.upsert(
                [
                    replace(one, content=replace(one.content, vector=vectors[one.content.id]))
                    for one in missing
                ]
            )
            self.outcome.written += len(missing)

    async def remove_others(self, stays: Collection[str], batch: int) -> None:
        """Remove what is neither in the file nor to stay, also what a stopped import left."""
        others = sorted(self._there.keys() - self._seen - set(stays))
        for content_ids in chunks(others, batch):
            await self._writer.delete(content_ids)
            self.outcome.removed += len(content_ids)

    async def _kept_vectors(self, items: Sequence[StoredContent]) -> dict[str, GridVector]:
        """Vectors that came along, or that are stored and made of the same text."""
        brought = {one.content.id: one.content.vector for one in items if len(one.content.vector)}
        same = [
            one.content.id
            for one in items
            if one.content.id not in brought
            and (known := self._there.get(one.content.id)) is not None
            and known.source == one.digests.source
        ]
        stored = await self._writer.get(same) if same else {}
        return brought | {content_id: one.content.vector for content_id, one in stored.items()}

    def _embedded(self, items: Sequence[StoredContent]) -> dict[str, GridVector]:
        if not items:
            return {}
        vectors = self._embedder.embed([one.content.embedded_text() for one in items])
        self.outcome.embedded += len(items)
        return {one.content.id: to_grid(vector) for one, vector in zip(items, vectors, strict=True)}


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of that size, the last one shorter."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
