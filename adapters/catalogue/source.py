"""A catalogue file as the source of snapshots: read again whenever it is another file."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from time import time

import structlog
from msgspec.structs import replace

from adapters.catalogue.problems import RowProblem
from adapters.catalogue.reader import CatalogueReader
from core.content import NOT_EMBEDDED
from core.digests import digests_of
from core.log_names import CATALOGUE_LINE_REJECTED
from core.ports import StoredContent

_PAGE = 500
_SETTLED_S = 0.3
"""A file that was written to in the last moment may be half of what it is to be."""

_log = structlog.get_logger()


class CatalogueFileSource:
    """Any file of JSON Lines, a curator's own or one that an import has written."""

    def __init__(self, path: Path) -> None:
        """The file need not exist yet."""
        self._path = path.resolve()
        self._mark: str | None = None
        self._told: str | None = None

    async def mark(self) -> str:
        """Changes a moment after the file was replaced or edited: it may still be written."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            mark, age_s = "", _SETTLED_S
        else:
            mark = f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"
            age_s = time() - found.st_mtime
        if self._mark is None or not 0 <= age_s < _SETTLED_S:
            self._mark = mark
        return self._mark

    async def vector_space(self) -> str | None:
        """As the first line says; None for a file that does not say."""
        if self._is_empty():
            return None
        head = CatalogueReader(self._path).head
        return None if head is None else head.vector_space

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """In the order of the file; lines that cannot be used are logged, once a state of it."""
        problems: list[RowProblem] = []
        items = self._items(problems)
        while page := list(islice(items, _PAGE)):
            yield page if vectors else [_bare(item) for item in page]
        if self._told != self._mark:
            self._told = self._mark
            for problem in problems:
                _log.warning(CATALOGUE_LINE_REJECTED, problem=str(problem))

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """Reads the whole file once."""
        wanted = frozenset(content_ids)
        return {one.content.id: one for one in self._items([]) if one.content.id in wanted}

    def _items(self, problems: list[RowProblem]) -> Iterator[StoredContent]:
        if self._is_empty():
            return
        reader = CatalogueReader(self._path)
        space = reader.head.vector_space if reader.head else ""
        for row in reader.rows(problems.append):
            yield StoredContent(content=row.content, digests=digests_of(row.content, space))

    def _is_empty(self) -> bool:
        """Without a line there is nothing to tell the kind of a file by."""
        return self._path.stat().st_size == 0


def _bare(item: StoredContent) -> StoredContent:
    return replace(item, content=replace(item.content, vector=NOT_EMBEDDED))
