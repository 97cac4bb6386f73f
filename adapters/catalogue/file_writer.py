"""Writes a catalogue file: into the journal beside it, and at a commit as a whole."""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from adapters.catalogue.journal import Journal, decode_deleted, encode_deleted
from adapters.catalogue.lines import CatalogueLines
from adapters.catalogue.problems import CellError
from adapters.catalogue.row import Head, decode_head
from adapters.catalogue.stored import decode_item, encode_head, encode_item
from core.errors import RejectedError, RetryableError
from core.ports import ItemDigests, StoredContent


def read_head(path: Path) -> Head | None:
    """The first line of a file that an import has written, None for others and for no file."""
    if not path.exists():
        return None
    return next((decode_head(line.text) for line in CatalogueLines(path)), None)


class CatalogueFileWriter:
    """Nothing that it writes is served before its commit, which it outlives."""

    def __init__(self, path: Path, head: Head) -> None:
        """Nothing is opened yet."""
        self._path = path
        self._head = head
        self._work: _Work | None = None

    async def digests(self) -> Mapping[str, ItemDigests]:
        """Of the file's and the journal's items."""
        places = self._opened().places
        return {content_id: place.digests for content_id, place in places.items()}

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, StoredContent]:
        """The items that exist here among `content_ids`."""
        work = self._opened()
        return {
            content_id: decode_item(work.line(content_id).decode(), self._head)
            for content_id in content_ids
            if content_id in work.places
        }

    async def upsert(self, items: Sequence[StoredContent]) -> None:
        """Write the items' lines.

        Raises: RejectedError where a vector has another length than the others.
        """
        for item in items:
            if len(item.content.vector) != self._head.dim:
                raise RejectedError(
                    f"the vector of {item.content.id!r} has {len(item.content.vector)} numbers, "
                    f"those of {self._head.vector_space} have {self._head.dim}"
                )
        self._opened().add(items)

    async def delete(self, content_ids: Sequence[str]) -> None:
        """Write that the items are gone."""
        work = self._opened()
        if there := [content_id for content_id in content_ids if content_id in work.places]:
            work.remove(there)

    async def commit(self) -> None:
        """Write the file anew, in the order of the ids; nothing where nothing has changed."""
        work, self._work = self._opened(), None
        if work.replaces or not work.journal.is_empty:
            new = self._path.with_name(f"{self._path.name}.new")
            try:
                self._write(new, work)
                new.replace(self._path)
                _sync_folder(self._path.parent)
            except OSError as exc:
                raise RetryableError(f"{new}: {exc.strerror}") from exc
        work.journal.remove()

    def _opened(self) -> "_Work":
        if self._work is None:
            journal = Journal(self._path.with_name(f"{self._path.name}.importing"), self._head)
            self._work = _Work(self._path, self._head, journal)
        return self._work

    def _write(self, new: Path, work: "_Work") -> None:
        with new.open("wb") as file:
            file.write(encode_head(self._head))
            for content_id in sorted(work.places):
                file.write(work.line(content_id))
            file.flush()
            os.fsync(file.fileno())
        if self._path.exists():
            shutil.copymode(self._path, new)
            # Of two files of one tick of the clock the later one says so.
            risen_ns = max(new.stat().st_mtime_ns, self._path.stat().st_mtime_ns + 1)
            os.utime(new, ns=(risen_ns, risen_ns))


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an item's line begins, in the journal or in the file, and its digests."""

    is_new: bool
    offset: int
    digests: ItemDigests


class _Work:
    """What is there: the file, unless it is of another space, and the journal over it."""

    def __init__(self, path: Path, head: Head, journal: Journal) -> None:
        self.journal = journal
        self.replaces = read_head(path) != head
        self.places: dict[str, _Place] = {}
        self._head = head
        self._base: IO[bytes] | None = None if self.replaces else path.open("rb")
        self._read_base()
        self._read_journal()

    def __del__(self) -> None:
        """Whoever drops it lets go of the files."""
        self.journal.close()
        if self._base is not None:
            self._base.close()

    def add(self, items: Sequence[StoredContent]) -> None:
        offsets = self.journal.append([encode_item(item) for item in items])
        for item, offset in zip(items, offsets, strict=True):
            place = _Place(is_new=True, offset=offset, digests=item.digests)
            self.places[item.content.id] = place

    def remove(self, content_ids: Sequence[str]) -> None:
        self.journal.append([encode_deleted(content_ids)])
        for content_id in content_ids:
            self.places.pop(content_id, None)

    def line(self, content_id: str) -> bytes:
        place = self.places[content_id]
        if place.is_new or self._base is None:
            return self.journal.read(place.offset)
        self._base.seek(place.offset)
        # An editor may have left the last one out.
        return self._base.readline().rstrip(b"\n") + b"\n"

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
        for entry in self.journal.entries():
            deleted = decode_deleted(entry.line)
            for content_id in deleted or ():
                self.places.pop(content_id, None)
            if deleted is None:
                with suppress(CellError, UnicodeDecodeError):
                    self._note(entry.line, entry.offset, is_new=True)

    def _note(self, line: bytes, offset: int, *, is_new: bool) -> None:
        item = decode_item(line.decode(), self._head)
        place = _Place(is_new=is_new, offset=offset, digests=item.digests)
        self.places[item.content.id] = place


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
