"""The catalogue in one file: the embedded default `ContentRepository`.

What is written goes to a journal beside it; a commit writes the new file and
renames it over the old one, so that a reader sees the one or the other.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from adapters.catalogue.journal import Journal, decode_deleted, encode_deleted
from adapters.catalogue.lines import CatalogueLines
from adapters.catalogue.problems import CellError
from adapters.catalogue.row import Head, decode_head
from adapters.catalogue.stored import decode_item, encode_head, encode_item
from core.content import NOT_EMBEDDED
from core.errors import RejectedError, RetryableError
from core.ports import ItemDigests, StoredContent

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
        return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"

    async def vector_space(self) -> str | None:
        """As the first line says; None for a file without such a line, too."""
        head = self._head()
        return None if head is None else head.vector_space

    async def scan(self, *, vectors: bool) -> AsyncIterator[Sequence[StoredContent]]:
        """In the order of the file; lines that cannot be used are left out.

        The vector of an item that was edited by hand is missing.
        """
        items = self._items()
        while page := list(islice(items, _PAGE)):
            yield page if vectors else [_bare(item) for item in page]

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """Reads the whole file once."""
        wanted = frozenset(content_ids)
        return {item.content.id: item for item in self._items() if item.content.id in wanted}

    async def open(self, *, vector_space: str, dim: int) -> "CatalogueFileWriter":
        """Into the journal; an unfinished one of another space is given up.

        Raises: RejectedError where the file is a curator's own.
        """
        head = self._head()
        if head is None and self._path.exists():
            raise RejectedError(
                f"{self._path} was not written by an import, and is not overwritten by one: "
                "name another file"
            )
        wanted = Head(vector_space=vector_space, dim=dim)
        journal = Journal(self._path.with_name(f"{self._path.name}.importing"), wanted)
        return CatalogueFileWriter(self._path, journal, wanted, replaces=head != wanted)

    def _head(self) -> Head | None:
        if not self._path.exists():
            return None
        return next((decode_head(line.text) for line in CatalogueLines(self._path)), None)

    def _items(self) -> Iterator[StoredContent]:
        if not self._path.exists():
            return
        head = self._head()
        for line in CatalogueLines(self._path):
            if line.text.strip() and not (line.number == 1 and head is not None):
                try:
                    yield decode_item(line.text, head)
                except CellError:
                    continue


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an item's line begins, in the journal or in the file, and its digests."""

    is_new: bool
    offset: int
    digests: ItemDigests


class CatalogueFileWriter:
    """Writes items of one space into the journal, and at the end the file."""

    def __init__(self, path: Path, journal: Journal, head: Head, *, replaces: bool) -> None:
        """Read what is there: the file, unless it is of another space, then the journal."""
        self._path = path
        self._journal = journal
        self._head = head
        self._replaces = replaces
        self._base = None if replaces else path.open("rb")
        self._places: dict[str, _Place] = {}
        self._read_base()
        self._read_journal()

    async def digests(self) -> Mapping[str, ItemDigests]:
        """Of the file's and the journal's items."""
        return {content_id: place.digests for content_id, place in self._places.items()}

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist here among `content_ids`."""
        return {
            content_id: decode_item(self._line(self._places[content_id]).decode(), self._head)
            for content_id in content_ids
            if content_id in self._places
        }

    async def upsert(self, items: Sequence[StoredContent]) -> None:
        """Write the items' lines."""
        offsets = self._journal.append([encode_item(item) for item in items])
        for item, offset in zip(items, offsets, strict=True):
            self._places[item.content.id] = _Place(is_new=True, offset=offset, digests=item.digests)

    async def delete(self, content_ids: Sequence[str]) -> None:
        """Write that the items are gone."""
        self._journal.append([encode_deleted(content_ids)])
        for content_id in content_ids:
            self._places.pop(content_id, None)

    async def commit(self) -> None:
        """Write the file anew, in the order of the ids; nothing where nothing has changed."""
        if self._replaces or not self._journal.is_empty:
            new = self._path.with_name(f"{self._path.name}.new")
            try:
                with new.open("wb") as file:
                    file.write(encode_head(self._head))
                    for content_id in sorted(self._places):
                        file.write(self._line(self._places[content_id]))
                    file.flush()
                    os.fsync(file.fileno())
                if self._path.exists():
                    shutil.copymode(self._path, new)
                new.replace(self._path)
                _sync_folder(self._path.parent)
            except OSError as exc:
                raise RetryableError(f"{new}: {exc.strerror}") from exc
        self._journal.remove()

    def __del__(self) -> None:
        """Whoever drops a writer without a commit lets go of the files."""
        self._journal.close()
        if self._base is not None:
            self._base.close()

    def _line(self, place: _Place) -> bytes:
        if place.is_new or self._base is None:
            return self._journal.read(place.offset)
        self._base.seek(place.offset)
        return self._base.readline().rstrip(b"\n") + b"\n"  # an editor may have left the last out

    def _read_base(self) -> None:
        if self._base is None:
            return
        offset = len(self._base.readline())
        for line in self._base:
            # What was edited by hand and is not served is not written anew either.
            with suppress(CellError, UnicodeDecodeError):
                self._note(line, offset, is_new=False)
            offset += len(line)

    def _read_journal(self) -> None:
        for entry in self._journal.entries():
            deleted = decode_deleted(entry.line)
            for content_id in deleted or ():
                self._places.pop(content_id, None)
            if deleted is None:
                with suppress(CellError, UnicodeDecodeError):
                    self._note(entry.line, entry.offset, is_new=True)

    def _note(self, line: bytes, offset: int, *, is_new: bool) -> None:
        item = decode_item(line.decode(), self._head)
        place = _Place(is_new=is_new, offset=offset, digests=item.digests)
        self._places[item.content.id] = place


def _bare(item: StoredContent) -> StoredContent:
    content = msgspec.structs.replace(item.content, vector=NOT_EMBEDDED)
    return msgspec.structs.replace(item, content=content)


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
