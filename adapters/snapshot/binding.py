"""Makes the file of a snapshot out of items."""

from collections.abc import Sequence
from pathlib import Path

from adapters.snapshot.file import FORMAT, write_snapshot
from core.content import Content
from core.index.build import build_index
from core.index.contents import IndexedContents
from core.shelf import Snapshot

SHELF = FORMAT
"""Releases that differ in the format of the file may run side by side."""


def bind_snapshot(
    path: Path, contents: Sequence[Content], vector_space: str, previous: Snapshot | None
) -> None:
    """Build the index and write it; one of nearly the same items spares most of the work."""
    old = previous.index if isinstance(previous, IndexedContents) else None
    write_snapshot(build_index(contents, vector_space, previous=old), path)
