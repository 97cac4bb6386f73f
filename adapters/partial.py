"""A file that is there whole or not at all, however its writing ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

PART = ".part"
"""Ends the name of a file that is being written."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, which becomes `path` where nothing was raised.

    Any number of processes may do so at once: the last one's file stays.
    """
    with part_beside(path) as part:
        yield part
        part.replace(path)


@contextmanager
def part_beside(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; the file goes unless it was given another name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid4().hex[:8]}{PART}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
