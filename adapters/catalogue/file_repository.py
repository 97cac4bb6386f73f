"""The catalogue in one file: the embedded default `ContentRepository`.

What is written goes to a journal beside it; a commit writes the new file and
renames it over the old one, so that a reader sees the one or the other.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import msgspec

from adapters.catalogue.file_writer import CatalogueFileWriter, read_head
from adapters.catalogue.lines import CatalogueLines
from adapters.catalogue.problems import CellError
from adapters.catalogue.row import Head
from adapters.catalogue.stored import decode_item
from core.content import NOT_EMBEDDED
from core.errors import RejectedError
from core.ports import StoredContent

_PAGE = 500


class CatalogueFile:
    """Any file of JSON Lines to read; only one that an import has written to write."""

    def __init__(self, path: Path) -> None:
        """The file need not exist yet."""
        self._path = path.resolve()

    async def mark(self) -> str:
        """Changes whenever the file is replaced or edited."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return ""
        return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"

    async def vector_space(self) -> str | None:
        """As the first line says; None for a file without such a line, too."""
        head = read_head(self._path)
        return None if head is None else head.vector_space

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """In the order of the file; lines that cannot be used are left out."""
        items = self._items()
        while page := list(islice(items, _PAGE)):
            yield page if vectors else [_bare(item) for item in page]

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """Reads the whole file once."""
        wanted = frozenset(content_ids)
        found = {item.content.id: item for item in self._items() if item.content.id in wanted}
        return {content_id: found[content_id] for content_id in content_ids if content_id in found}

    async def open(self, *, vector_space: str, dim: int) -> CatalogueFileWriter:
        """Into the journal; an unfinished one of another space is given up.

        Raises: RejectedError where the file is a curator's own, or of another length.
        """
        head = read_head(self._path)
        if head is None and self._path.exists():
            raise RejectedError(
                f"{self._path} was not written by an import, and is not overwritten by one: "
                "name another file"
            )
        if head is not None and head.vector_space == vector_space and head.dim != dim:
            raise RejectedError(
                f"{self._path} has vectors of {vector_space} with {head.dim} numbers, not {dim}"
            )
        return CatalogueFileWriter(self._path, Head(vector_space=vector_space, dim=dim))

    def _items(self) -> Iterator[StoredContent]:
        if not self._path.exists():
            return
        head = read_head(self._path)
        for line in CatalogueLines(self._path):
            if line.text.strip() and not (line.number == 1 and head is not None):
                try:
                    yield decode_item(line.text, head)
                except CellError:
                    continue


def _bare(item: StoredContent) -> StoredContent:
    content = msgspec.structs.replace(item.content, vector=NOT_EMBEDDED)
    return msgspec.structs.replace(item, content=content)
