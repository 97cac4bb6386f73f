"""Brings a catalogue into its repository: plans what has to change, then changes it.

Each batch is durable before the next begins and an item that is there already
is left alone, so an import that was killed is simply started again.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from core.content import NOT_EMBEDDED, Content
from core.digests import digests_of
from core.errors import RejectedError
from core.importing.plan import ImportPlan
from core.importing.writing import ImportOutcome, ImportWriting, chunks
from core.ports import ContentRepository, Embedder, ItemDigests, StoredContent
from core.spaces import embedder_space, given_space


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """An item as a file has it, its own vector in it or none.

    Where the file says nothing about hiding, an item that is hidden stays so.
    """

    content: Content
    says_hidden: bool = True


Rows = Callable[[], Iterator[ImportRow]]
"""Reads the file from its start, each id once."""


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
        writing = ImportWriting(writer, await writer.digests(), self._embedder)
        for rows in chunks(self._rows(), batch):
            await writing.write([self._item(row, plan) for row in rows])
            progress(len(rows))
        if plan.moves and stays:
            await self._carry(stays, writing, batch)
        await writing.remove_others(stays, batch)
        await writer.commit()
        if plan.moves:  # with the catalogue that was replaced; what was left beside it was no item
            writing.outcome.removed = len(plan.removed) - len(stays)
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

    async def _carry(self, content_ids: frozenset[str], writing: ImportWriting, batch: int) -> None:
        """Embed anew what the file does not have and what stays all the same."""
        space = embedder_space(self._embedder)
        async for page in self._repository.scan(vectors=False):
            contents = [one.content for one in page if one.content.id in content_ids]
            for some in chunks(contents, batch):
                await writing.write(
                    [StoredContent(content=one, digests=digests_of(one, space)) for one in some]
                )
                writing.outcome.carried += len(some)
