"""The lines of a file, gzipped or not, with how far into the file each one ends."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

_GZIP = b"\x1f\x8b"


class Line(msgspec.Struct, frozen=True):
    """A line that is not empty. `consumed`: bytes of the file read since the line before."""

    number: int
    text: bytes
    consumed: int


def read_lines(path: Path, first: int = 1) -> Iterator[Line]:
    """The lines from the `first` on. Raises: click.ClickException for a broken gzip."""
    with path.open("rb") as raw:
        is_gzip = raw.read(2) == _GZIP
        raw.seek(0)
        lines = gzip.GzipFile(fileobj=raw) if is_gzip else raw
        position, number = 0, 0
        try:
            for number, text in enumerate(lines, 1):
                if number >= first and (stripped := text.strip()):
                    reached = raw.tell()
                    yield Line(number, stripped, reached - position)
                    position = reached
        except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
            raise click.ClickException(f"{path} is broken after line {number}: {exc}") from exc
