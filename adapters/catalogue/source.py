"""A catalogue file as the source of snapshots: read again whenever it is another file."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import structlog
from msgspec.structs import replace

from adapters.catalogue.problems import RowProblem
from adapters.catalogue.reader import CatalogueReader
from core.content import NOT_EMBEDDED
from core.digests import digests_of
from core.log_names import CATALOGUE_LINE_REJECTED
from core.ports import StoredContent

_PAGE = 500

_log = structlog.get_logger()


class CatalogueFileSource:
    """Any file of JSON Lines, a curator's own or one that an import has written."""

    def __init__(self, path: Path) -> None:
        """The file need not exist yet."""
        self._path = path.resolve()
        self._told = ""

    async def mark(self) -> str:
        """Changes whenever the file is replaced or edited."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ""
        return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"

    async def vector_space(self) -> str | None:
        """As the first line says; None for a file that does not say."""
        head = CatalogueReader(self._path).head
        return None if head is None else head.vector_space

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """In the order of the file; lines that cannot be used are logged, once a state of it."""
        problems: list[RowProblem] = []
        items = self._items(problems)
        while page := list(islice(items, _PAGE)):
            yield page if vectors else [_bare(item) for item in page]
        mark = await self.mark()
        if mark != self._told:
            self._told = mark
            for problem in problems:
                _log.warning(CATALOGUE_LINE_REJECTED, problem=str(problem))

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """Reads the whole file once."""
        wanted = frozenset(content_ids)
        return {one.content.id: one for one in self._items([]) if one.content.id in wanted}

    def _items(self, problems: list[RowProblem]) -> Iterator[StoredContent]:
        reader = CatalogueReader(self._path)
        space = reader.head.vector_space if reader.head else ""
        for row in reader.rows(problems.append):
            yield StoredContent(content=row.content, digests=digests_of(row.content, space))


def _bare(item: StoredContent) -> StoredContent:
    return replace(item, content=replace(item.content, vector=NOT_EMBEDDED))
