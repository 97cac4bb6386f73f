"""Where the collections of a test lie: in memory, where every fsync of the engine costs nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - only to make a folder in it
_NEEDED = 2 * 1024**3
"""Containers have a small one that a mapped file would overflow."""


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder for a while; what is in it outlives killed processes all the same."""
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED
    with tempfile.TemporaryDirectory(dir=_MEMORY if in_memory else None) as folder:
        yield Path(folder)
