"""The catalogue in the memory of one process: the embedded default `ContentStore`."""

from collections.abc import Iterable, Sequence

from core.content import Content
from core.index.build import build_index
from core.index.contents import IndexedContents


class InMemoryContentStore(IndexedContents):
    """The index of a snapshot, built here and kept in memory."""

    def __init__(self, contents: Iterable[Content], vector_space: str = "") -> None:
        """Index the items; a later one of the same id replaces an earlier one."""
        super().__init__(build_index(contents, vector_space))

    def edition(self) -> "InMemoryContentStore":
        """The store itself: it never changes."""
        return self

    @property
    def contents(self) -> Sequence[Content]:
        """Every item, in the order of the ids."""
        columns, by_order = self._columns, self._arrays.by_order
        return [columns.contents[row] for row in by_order.tolist()]
