"""Snapshots in the memory of one process: the embedded default `SnapshotShelf`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from adapters.partial import whole_file
from core.errors import RetryableError


class InMemorySnapshotShelf:
    """Holds the current file only."""

    def __init__(self) -> None:
        """Nothing is published yet."""
        self._number = 0
        self._current: tuple[int, str, bytes] | None = None

    async def number(self) -> int:
        """One more than the last."""
        self._number += 1
        return self._number

    async def publish(self, version: str, path: Path, *, number: int) -> bool:
        """Take the file, unless one of a higher number is there."""
        data = await asyncio.to_thread(path.read_bytes)
        if self._current is not None and self._current[0] > number:
            return False
        self._current = (number, version, data)
        return True

    async def current(self) -> str | None:
        """The version of the file."""
        return self._current[1] if self._current else None

    async def fetch(self, version: str, into: Path, *, have: Sequence[Path] = ()) -> None:  # noqa: ARG002
        """Write the file."""
        if self._current is None or self._current[1] != version:
            raise RetryableError(f"snapshot {version} is not on the shelf any more")
        with whole_file(into) as part:
            await asyncio.to_thread(part.write_bytes, self._current[2])
