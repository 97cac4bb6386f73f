"""A source of items in memory, and an embedder, that note what is asked of them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from core.content import NOT_EMBEDDED, Content
from core.digests import digests_of
from core.errors import RetryableError
from core.ports import ItemDigests, StoredContent
from core.spaces import embedder_space
from core.vectors import to_grid


class CountingEmbedder:
    """Embeds a text as its length, and remembers what it was asked."""

    id = "lengths"
    dim = 2

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts += texts
        return np.array([(len(text), 1.0) for text in texts], dtype=np.float32)


SPACE = embedder_space(CountingEmbedder())


class Source:
    """A repository in memory that notes what is read of it. No space: a file of a curator's."""

    def __init__(self, *items: Content, space: str | None = SPACE) -> None:
        self.space = space
        self.items = {one.id: one for one in items}
        self.sources: dict[str, str] = {}
        self.asked: list[str] = []
        self.scans: list[bool] = []
        self.moves_to: str | None = None
        self.going: set[str] = set()
        self.marked = "1"
        self.on_scan: Callable[[], object] = lambda: None
        self.is_away = False
        self.errors: list[Exception] = []
        self.before_mark: list[Callable[[], Awaitable[object]]] = []

    async def mark(self) -> str:
        if self.errors:
            raise self.errors.pop()
        if self.is_away:
            raise RetryableError("the source is away")
        if self.before_mark:
            await self.before_mark.pop(0)()
        return self.marked

    async def vector_space(self) -> str | None:
        return self.space

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        self.scans.append(vectors)
        self.on_scan()
        for one in list(self.items.values()):
            stored = self.stored(one)
            yield [stored if vectors else replace(stored, content=bare(one))]
        self.space = self.moves_to or self.space

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        self.asked += content_ids
        there = self.items.keys() - self.going
        return {one: self.stored(self.items[one]) for one in content_ids if one in there}

    def change(self, *items: Content) -> None:
        """Add or replace items, as an import does."""
        self.items |= {one.id: one for one in items}
        self.marked += "+"

    def stored(self, one: Content) -> StoredContent:
        digests = ItemDigests(
            item=one.digest(),
            source=self.sources.get(one.id, digests_of(one, self.space or "").source),
        )
        return StoredContent(content=one, digests=digests)


def item(content_id: str, text: str = "text", *, vector: tuple[float, ...] = (1, 2)) -> Content:
    grid = to_grid(vector) if vector else NOT_EMBEDDED
    return Content(id=content_id, title=content_id, text=text, vector=grid)


def bare(one: Content) -> Content:
    return replace(one, vector=NOT_EMBEDDED)
