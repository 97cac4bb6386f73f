"""What an import has written before it is served: a file beside the catalogue.

One process at a time holds it. A line that a kill has cut short is dropped, so
whatever is read back was whole.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from adapters.catalogue.row import Head
from adapters.catalogue.stored import encode_head
from core.errors import RejectedError, RetryableError


class Deleted(msgspec.Struct, frozen=True):
    """A line that says which items are gone."""

    deleted: tuple[str, ...]


class Entry(msgspec.Struct, frozen=True):
    """A line and where it begins."""

    offset: int
    line: bytes


class Journal:
    """Lines of one vector space, each durable once `append` has returned."""

    def __init__(self, path: Path, head: Head) -> None:
        """Take it over from a stopped import of that space, or begin anew.

        Raises: RetryableError while another process holds it.
        """
        self._path = path
        self._file = _locked(path)
        first = encode_head(head)
        if self._file.readline() != first:
            self._file.truncate(0)
            self.append([first])
        self._start = len(first)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written yet."""
        return self._end() == self._start

    def entries(self) -> Iterator[Entry]:
        """Everything that was written; what is cut short at the end is cut off."""
        self._file.seek(self._start)
        offset = self._start
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            yield Entry(offset, line)
            offset += len(line)
        self._file.truncate(offset)

    def append(self, lines: Sequence[bytes]) -> Sequence[int]:
        """Write the lines and say where each begins. Raises: RetryableError."""
        offsets, offset = [], self._end()
        for line in lines:
            offsets.append(offset)
            offset += len(line)
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as exc:
            raise RetryableError(f"{self._path}: {exc.strerror}") from exc
        return offsets

    def read(self, offset: int) -> bytes:
        """The line that begins there."""
        self._file.seek(offset)
        return self._file.readline()

    def remove(self) -> None:
        """Everything in it is served."""
        self._path.unlink()
        self.close()

    def close(self) -> None:
        """Leave it to the next import."""
        self._file.close()

    def _end(self) -> int:
        return self._file.seek(0, os.SEEK_END)


def encode_deleted(content_ids: Sequence[str]) -> bytes:
    """The line that says that these items are gone."""
    return msgspec.json.encode(Deleted(tuple(content_ids))) + b"\n"


def decode_deleted(line: bytes) -> tuple[str, ...] | None:
    """The ids that are gone, None where the line is an item."""
    try:
        return msgspec.json.decode(line, type=Deleted).deleted
    except msgspec.DecodeError:
        return None


def _locked(path: Path) -> IO[bytes]:
    while True:
        try:
            file = path.open("a+b")
        except OSError as exc:
            raise RejectedError(f"{path} cannot be written: {exc.strerror}") from exc
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_same = path.exists() and path.stat().st_ino == os.fstat(file.fileno()).st_ino
        except BlockingIOError as exc:
            file.close()
            raise RetryableError(f"another import writes {path}; wait for its end") from exc
        if is_same:
            file.seek(0)
            return file
        file.close()  # whoever held it was done and has removed it
