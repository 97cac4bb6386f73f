"""Brings a catalogue into its repository: plans what has to change, then changes it.

Each batch is durable before the next begins and an item that is there already
is left alone, so an import that was killed is simply started again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from core.content import NOT_EMBEDDED, Content
from core.digests import digests_of
from core.errors import RejectedError
from core.ports import ContentRepository, ContentWriter, Embedder, ItemDigests, StoredContent
from core.spaces import embedder_space, given_space
from core.vectors import GridVector, to_grid

T = TypeVar("T")


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """An item as a file has it, its own vector in it or none.

    Where the file says nothing about hiding, an item that is hidden stays so.
    """

    content: Content
    says_hidden: bool = True


Rows = Callable[[], Iterator[ImportRow]]
"""Reads the file from its start, each id once."""


class ImportPlan(msgspec.Struct, kw_only=True):
    """What an import would do."""

    served_space: str | None
    vector_space: str
    dim: int
    takes_vectors: bool
    """Whether the vectors that come with the items are used."""
    is_mixed: bool = False
    """Whether only some of the items brought one, or of another length."""
    items: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    embeds: int = 0
    """Texts that need a vector."""
    removed: tuple[str, ...] = ()
    """Ids that are served and that the file does not have."""
    hidden: frozenset[str] = frozenset()
    """Ids that are hidden now."""

    @property
    def moves(self) -> bool:
        """Whether a catalogue of another space is to be replaced as a whole."""
        return self.served_space not in (None, self.vector_space)

    def require_space(self, *, may_move: bool) -> None:
        """Raises: RejectedError where the vectors are of another space than those served."""
        if self.moves and not may_move:
            raise RejectedError(
                f"the catalogue has vectors of {self.served_space} and this import makes those of "
                f"{self.vector_space}, which never mix: import with the embedder of the former, "
                "or say that the whole catalogue is to be built anew (--new-embedder)"
            )

    def count(self, item: StoredContent, served: ItemDigests | None) -> None:
        """One more item of the file, and what is served under its id."""
        self.items += 1
        self.new += served is None
        self.unchanged += served == item.digests
        self.changed += served not in (None, item.digests)
        same_source = served is not None and served.source == item.digests.source
        self.embeds += not same_source and not len(item.content.vector)


class ImportOutcome(msgspec.Struct, kw_only=True):
    """What an import has done; after one that was stopped, only what that had left."""

    written: int = 0
    unchanged: int = 0
    embedded: int = 0
    carried: int = 0
    """Items that the file does not have, embedded anew with all others."""
    removed: int = 0


class ContentImporter:
    """Imports one file. `declared_space` is what the file says of its vectors."""

    def __init__(
        self,
        repository: ContentRepository,
        embedder: Embedder,
        rows: Rows,
        declared_space: str | None = None,
    ) -> None:
        """Nothing is read yet."""
        self._repository = repository
        self._embedder = embedder
        self._rows = rows
        self._declared_space = declared_space

    async def plan(self) -> ImportPlan:
        """Read the file and compare it with what is served; nothing is written.

        Raises: RejectedError where the file has no usable item.
        """
        plan = await self._compared(takes_vectors=True)
        if plan.is_mixed:
            # Vectors of two models have nothing to say to each other: the text decides for all.
            plan = await self._compared(takes_vectors=False)
            plan.is_mixed = True
        if not plan.items:
            raise RejectedError("the file has no usable item")
        return plan

    async def run(
        self,
        plan: ImportPlan,
        *,
        prune: bool = False,
        may_move: bool = False,
        batch: int = 256,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ImportOutcome:
        """Write what the plan says, batch by batch, and serve it.

        With `prune` the items that the file does not have are removed,
        otherwise they stay. With `may_move` a catalogue of another space is
        replaced by a new one. `progress` is told of every few rows.

        Raises: RejectedError where the spaces differ without that, or those that
            stay cannot be embedded in the new one.
        """
        plan.require_space(may_move=may_move)
        stays = frozenset() if prune else frozenset(plan.removed)
        embeds_others = plan.vector_space == embedder_space(self._embedder)
        if plan.moves and stays and not embeds_others:
            raise RejectedError(
                f"{len(stays)} items are not in the file, so they have no vector of "
                f"{plan.vector_space}: add them to it, or prune them"
            )
        writer = await self._repository.open(vector_space=plan.vector_space, dim=plan.dim)
        writing = _Writing(writer, await writer.digests(), self._embedder)
        for rows in _chunks(self._rows(), batch):
            await writing.write([self._item(row, plan) for row in rows])
            progress(len(rows))
        if plan.moves and stays:
            await self._carry(stays, writing, batch)
        await writing.remove_others(stays, batch)
        await writer.commit()
        return writing.outcome

    async def _compared(self, *, takes_vectors: bool) -> ImportPlan:
        plan = ImportPlan(
            served_space=await self._repository.vector_space(),
            vector_space=embedder_space(self._embedder),
            dim=self._embedder.dim,
            takes_vectors=takes_vectors,
        )
        served: dict[str, ItemDigests] = {}
        async for page in self._repository.scan(vectors=False):
            served |= {one.content.id: one.digests for one in page}
            plan.hidden |= {one.content.id for one in page if one.content.rules.hidden}
        dims = Counter[int]()
        left = set(served)
        for row in self._rows():
            item = self._item(row, plan)
            dims[len(item.content.vector)] += 1
            left.discard(item.content.id)
            plan.count(item, served.get(item.content.id))
        plan.removed = tuple(sorted(left))
        self._settle_space(plan, dims)
        return plan

    def _settle_space(self, plan: ImportPlan, dims: Counter[int]) -> None:
        """Which space the items come to lie in, now that all have been seen."""
        brought = set(dims) - {0}
        if brought and self._declared_space != plan.vector_space:
            plan.is_mixed = len(dims) > 1
            plan.dim = max(brought)
            plan.vector_space = self._declared_space or given_space(plan.dim)
        if plan.moves:  # nothing of the served catalogue can be used
            plan.new, plan.changed, plan.unchanged = plan.items, 0, 0
            plan.embeds = dims[0]

    def _item(self, row: ImportRow, plan: ImportPlan) -> StoredContent:
        """The item as it is to be stored, its vector still missing where it is to be embedded."""
        content = row.content
        if not row.says_hidden and content.id in plan.hidden:
            content = replace(content, rules=replace(content.rules, hidden=True))
        space = embedder_space(self._embedder)
        if len(content.vector):
            if plan.takes_vectors:
                space = self._declared_space or given_space(len(content.vector))
            else:
                content = replace(content, vector=NOT_EMBEDDED)
        return StoredContent(content=content, digests=digests_of(content, space))

    async def _carry(self, content_ids: frozenset[str], writing: "_Writing", batch: int) -> None:
        """Embed anew what the file does not have and what stays all the same."""
        space = embedder_space(self._embedder)
        async for page in self._repository.scan(vectors=False):
            contents = [one.content for one in page if one.content.id in content_ids]
            for some in _chunks(contents, batch):
                await writing.write(
                    [StoredContent(content=one, digests=digests_of(one, space)) for one in some]
                )
                writing.outcome.carried += len(some)


class _Writing:
    """The batches on their way into one writer."""

    def __init__(
        self, writer: ContentWriter, there: Mapping[str, ItemDigests], embedder: Embedder
    ) -> None:
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
        for content_ids in _chunks(others, batch):
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


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
