"""What a source holds, told by what differs from the snapshot before.

Of an item that is as it was nothing is read again; a vector is made only where
there is none of the same text.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Protocol, overload

import msgspec
from msgspec.structs import replace

from core.content import NOT_EMBEDDED, Content
from core.digests import digests_of
from core.errors import RetryableError
from core.ports import Embedder, ItemDigests, StoredContent
from core.shelf import Snapshot
from core.spaces import embedder_space, given_space
from core.vectors import to_grid

_ONE_BY_ONE = 1000
"""Past so many changed items the whole source is read: one pass, whatever it is."""
_EMBED_AT_ONCE = 32
"""A model takes half a second for so many; until then nobody can stop it."""


class ContentSource(Protocol):
    """What a snapshot is made from: the reading half of a `ContentRepository`."""

    async def mark(self) -> str:
        """Changes with every write; empty while there is no catalogue."""
        ...

    async def vector_space(self) -> str | None:
        """The space of the items' vectors, None of a file that does not say."""
        ...

    def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """Every item once, in pages."""
        ...

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist among `content_ids`, with their vectors."""
        ...


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot before, and what its items were when they were read."""

    snapshot: Snapshot
    rows: Mapping[str, int]
    digests: Mapping[str, ItemDigests]

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Base":
        """From a snapshot alone: what its items must have been."""
        space = snapshot.vector_space
        digests = {one.id: digests_of(one, space) for one in snapshot.columns.contents}
        return cls.read_as(snapshot, digests)

    @classmethod
    def read_as(cls, snapshot: Snapshot, digests: Mapping[str, ItemDigests]) -> "Base":
        """From a snapshot and what its items were when they were read."""
        rows = {content_id: row for row, content_id in enumerate(snapshot.columns.ids)}
        return cls(snapshot=snapshot, rows=rows, digests=digests)

    def contents(self) -> Sequence[Content]:
        """Every item, in the order of the ids."""
        return _Merged(sorted(self.rows), {}, self)

    def content(self, content_id: str) -> Content:
        """An item that is in it."""
        return self.snapshot.columns.contents[self.rows[content_id]]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """The items of the next snapshot; `changed` those that it is not to take from the base."""

    vector_space: str
    digests: Mapping[str, ItemDigests]
    changed: Mapping[str, Content]
    removed: int
    unusable: tuple[str, ...] = ()
    """Items without a vector that could be made here."""

    def is_like(self, base: Base | None) -> bool:
        """Whether a snapshot of it would be the one before."""
        old = _usable(base, self.vector_space)
        return old is not None and not self.changed and not self.removed

    def contents(self, base: Base | None) -> Sequence[Content]:
        """Every item, in the order of the ids."""
        return _Merged(sorted(self.digests), self.changed, base)


class SourceReader:
    """Reads a source, and embeds what it has no vectors of."""

    def __init__(
        self, source: ContentSource, embedder: Embedder, *, comes_whole: bool = False
    ) -> None:
        """`comes_whole`: reading vectors too takes no longer, and reading twice takes twice."""
        self.source = source
        self._embedder = embedder
        self._comes_whole = comes_whole

    async def read(self, base: Base | None) -> Draft:
        """Compare everything with `base`, and read what differs.

        Raises: RetryableError where the source is away, or changes its space meanwhile.
        """
        space = await self.source.vector_space()
        if space is None:
            return await self._read_unnamed(base)
        old = _usable(base, space)
        digests: dict[str, ItemDigests] = {}
        found: dict[str, StoredContent] = {}
        async for page in self.source.scan(vectors=self._comes_whole):
            some = {one.content.id: one for one in page}
            digests |= {content_id: one.digests for content_id, one in some.items()}
            if self._comes_whole:
                found |= {one: some[one] for one in _differing(digests, old, some)}
            await asyncio.sleep(0)  # a file's pages come without a wait
        changed = _differing(digests, old, digests)
        if not self._comes_whole:
            found = {one.content.id: one async for one in self._read_items(changed)}
        for content_id in changed - found.keys():  # it went meanwhile
            del digests[content_id]
        digests |= {content_id: one.digests for content_id, one in found.items()}
        if await self.source.vector_space() != space:
            raise RetryableError("the catalogue was replaced while it was read")
        return await self._drafted(space, found.values(), digests, old)

    async def _read_unnamed(self, base: Base | None) -> Draft:
        """A file that does not name its space: its own vectors where every item has one."""
        stored = [one async for page in self.source.scan(vectors=True) for one in page]
        dims = {len(one.content.vector) for one in stored}
        if len(dims) == 1 and dims != {0}:
            space = given_space(dims.pop())
        else:
            # Vectors of two models have nothing to say to each other: the text decides for all.
            space = embedder_space(self._embedder)
            stored = [
                replace(one, content=replace(one.content, vector=NOT_EMBEDDED)) for one in stored
            ]
        items = {
            one.content.id: replace(one, digests=digests_of(one.content, space)) for one in stored
        }
        old = _usable(base, space)
        digests = {content_id: one.digests for content_id, one in items.items()}
        changed = [items[content_id] for content_id in _differing(digests, old, digests)]
        return await self._drafted(space, changed, digests, old)

    async def _read_items(self, content_ids: set[str]) -> AsyncIterator[StoredContent]:
        if len(content_ids) <= _ONE_BY_ONE:
            found = await self.source.get(sorted(content_ids)) if content_ids else {}
            for one in found.values():
                yield one
            return
        async for page in self.source.scan(vectors=True):
            for one in page:
                if one.content.id in content_ids:
                    yield one
            await asyncio.sleep(0)

    async def _drafted(
        self,
        space: str,
        changed: Iterable[StoredContent],
        digests: dict[str, ItemDigests],
        old: Base | None,
    ) -> Draft:
        contents = {one.content.id: _with_old_vector(one.content, space, old) for one in changed}
        bare = [one for one in contents.values() if not len(one.vector)]
        if space == embedder_space(self._embedder):
            for start in range(0, len(bare), _EMBED_AT_ONCE):
                some = bare[start : start + _EMBED_AT_ONCE]
                contents |= await asyncio.to_thread(_embedded, self._embedder, some)
            bare = []
        for one in bare:
            del contents[one.id], digests[one.id]
        gone = 0 if old is None else sum(one not in digests for one in old.rows)
        return Draft(
            vector_space=space,
            digests=digests,
            changed=contents,
            removed=gone,
            unusable=tuple(one.id for one in bare),
        )


class _Merged(Sequence[Content]):
    """Items by id, each made when it is asked for: of a large catalogue never all at once."""

    def __init__(
        self, ids: Sequence[str], changed: Mapping[str, Content], base: Base | None
    ) -> None:
        self._ids = ids
        self._changed = changed
        self._base = base

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Content: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Content]: ...
    def __getitem__(self, index: int | slice) -> Content | Sequence[Content]:
        if isinstance(index, slice):
            return _Merged(self._ids[index], self._changed, self._base)
        content_id = self._ids[index]
        if content_id in self._changed or self._base is None:
            return self._changed[content_id]
        return self._base.content(content_id)


def _usable(base: Base | None, space: str) -> Base | None:
    """The base, unless its vectors are of another space."""
    return base if base is not None and base.snapshot.vector_space == space else None


def _differing(
    digests: Mapping[str, ItemDigests], base: Base | None, among: Iterable[str]
) -> set[str]:
    known: Mapping[str, ItemDigests] = {} if base is None else base.digests
    return {one for one in among if known.get(one) != digests[one]}


def _with_old_vector(content: Content, space: str, base: Base | None) -> Content:
    """The item with the vector that the base has of the same text, where it has none."""
    if len(content.vector) or base is None or content.id not in base.rows:
        return content
    old = base.content(content.id)
    bare = replace(old, vector=NOT_EMBEDDED)
    if digests_of(bare, space).source != digests_of(content, space).source:
        return content
    return replace(content, vector=old.vector)


def _embedded(embedder: Embedder, contents: Sequence[Content]) -> dict[str, Content]:
    vectors = embedder.embed([one.embedded_text() for one in contents])
    return {
        one.id: replace(one, vector=to_grid(vector))
        for one, vector in zip(contents, vectors, strict=True)
    }
