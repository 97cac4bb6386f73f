"""The lines of a catalogue file as text: plain or gzipped, UTF-8 with or without a mark."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from core.errors import RejectedError

_GZIP = b"\x1f\x8b"
_UTF8_MARK = "\ufeff"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class TextLine(msgspec.Struct, frozen=True):
    """One line with its end. `problem` says why its text is not what the file meant."""

    number: int
    text: str
    problem: str | None = None


class CatalogueLines:
    """Reads a file line by line, and knows how much of it has been read."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet."""
        self._path = path
        self.consumed = 0
        """Bytes of the file read by the iteration that goes on."""

    def __iter__(self) -> Iterator[TextLine]:
        """Every line. Raises: RejectedError where the file cannot be read to its end."""
        number = 0
        try:
            with self._path.open("rb") as raw:
                for number, line in enumerate(_unpacked(raw), start=1):
                    self.consumed = raw.tell()
                    yield self._decoded(number, line)
        except OSError as exc:  # a bad gzip is one, too
            raise RejectedError(f"{self._path}: {exc.strerror or exc}") from exc
        except (EOFError, zlib.error) as exc:
            raise RejectedError(f"{self._path} is broken after line {number}: {exc}") from exc

    def _decoded(self, number: int, line: bytes) -> TextLine:
        if number == 1 and line.startswith(_UTF16_MARKS):
            raise RejectedError(f"{self._path} is UTF-16; save it as UTF-8")
        try:
            text = line.decode()
        except UnicodeDecodeError as exc:
            problem = f"is not UTF-8 from byte {exc.start + 1} on; save the file as UTF-8"
            return TextLine(number, line.decode(errors="replace"), problem)
        return TextLine(number, text.removeprefix(_UTF8_MARK) if number == 1 else text)


def _unpacked(raw: IO[bytes]) -> Iterable[bytes]:
    is_gzip = raw.read(2) == _GZIP
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if is_gzip else raw
