"""A repository in memory whose writers can be made to die, and an embedder that counts."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.content import NOT_EMBEDDED
from core.errors import RejectedError
from core.ports import ItemDigests, StoredContent

Items = dict[str, StoredContent]


class KilledError(Exception):
    """The process ends here."""


class Space:
    """The items of one vector space, with what was written and not yet committed."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.items: Items = {}
        self.writes = 0


class MemoryRepository:
    """Writes into the served space are served at once, as Qdrant's are.

    `lives`: so many writes and commits are done, and the next one kills.
    """

    def __init__(self, lives: int | None = None) -> None:
        self.lives = lives
        self.spaces: dict[str, Space] = {}
        self.served: str | None = None
        self.writes = 0

    async def mark(self) -> str:
        if self.served is None:
            return ""
        return f"{self.served}-{self.spaces[self.served].writes}"

    async def vector_space(self) -> str | None:
        return self.served

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        items = [] if self.served is None else list(self.spaces[self.served].items.values())
        for start in range(0, len(items), 2):
            page = items[start : start + 2]
            yield page if vectors else [_bare(item) for item in page]

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        items = {} if self.served is None else self.spaces[self.served].items
        return {one: items[one] for one in content_ids if one in items}

    async def open(self, *, vector_space: str, dim: int) -> "MemoryWriter":
        space = self.spaces.setdefault(vector_space, Space(dim))
        if space.dim != dim:
            raise RejectedError(f"{vector_space} has {space.dim} numbers")
        return MemoryWriter(self, vector_space)

    def spend(self) -> None:
        """One write more, or the end."""
        if self.lives is not None:
            if self.lives == 0:
                raise KilledError
            self.lives -= 1
        self.writes += 1


class MemoryWriter:
    """Each of its writes is there or not there at all."""

    def __init__(self, repository: MemoryRepository, name: str) -> None:
        self._repository = repository
        self._name = name
        self._space = repository.spaces[name]

    async def digests(self) -> Mapping[str, ItemDigests]:
        return {content_id: one.digests for content_id, one in self._space.items.items()}

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        items = self._space.items
        return {one: items[one] for one in content_ids if one in items}

    async def upsert(self, items: Sequence[StoredContent]) -> None:
        for item in items:
            if len(item.content.vector) != self._space.dim:
                raise RejectedError(f"{item.content.id!r} has another length than {self._name}")
        self._spend()
        self._space.items |= {item.content.id: item for item in items}

    async def delete(self, content_ids: Sequence[str]) -> None:
        there = [one for one in content_ids if one in self._space.items]
        if there:
            self._spend()
        for content_id in there:
            del self._space.items[content_id]

    def _spend(self) -> None:
        self._repository.spend()
        self._space.writes += 1

    async def commit(self) -> None:
        repository = self._repository
        if repository.served != self._name or len(repository.spaces) > 1:
            repository.spend()
        repository.served = self._name
        repository.spaces = {self._name: self._space}


class CountingEmbedder:
    """A vector out of a digest of the text; knows which texts it was given."""

    def __init__(self, name: str = "counting", dim: int = 4) -> None:
        self.id = name
        self.dim = dim
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.texts += texts
        digests = [hashlib.blake2b(f"{self.id}{text}".encode()).digest() for text in texts]
        rows = [list(digest[: self.dim]) for digest in digests]
        return np.array(rows, dtype=np.float32).reshape(-1, self.dim)


def state(repository: MemoryRepository) -> dict[str, object]:
    """All that is served, to compare."""
    if repository.served is None:
        return {}
    items = repository.spaces[repository.served].items
    return {"": repository.served} | {
        content_id: (one.content.as_record(), one.content.vector.tolist(), one.digests)
        for content_id, one in items.items()
    }


def _bare(item: StoredContent) -> StoredContent:
    content = msgspec.structs.replace(item.content, vector=NOT_EMBEDDED)
    return msgspec.structs.replace(item, content=content)
