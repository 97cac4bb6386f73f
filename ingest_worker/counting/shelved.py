"""`ShelvedStatistics`: puts the statistics of all visitors on a shelf, by way of a file."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from core.collective.statistics import CollectiveStatistics
from core.errors import RejectedError
from core.log_names import SNAPSHOT_REFUSED
from core.shelf import SnapshotShelf

_log = structlog.get_logger()


class StatisticsFiles(Protocol):
    """The statistics of this machine. Blocking."""

    def path_of(self, version: str) -> Path:
        """Where a version is."""
        ...

    def open(self, version: str) -> CollectiveStatistics:
        """Raises: RejectedError where it is damaged, FileNotFoundError where it is not there."""
        ...

    def keep(self, write: Callable[[Path], None]) -> CollectiveStatistics:
        """Have a file written, and keep it under its version."""
        ...


class ShelvedStatistics:
    """A `StatisticsPlace` over a shelf."""

    def __init__(
        self,
        shelf: SnapshotShelf,
        files: StatisticsFiles,
        write: Callable[[CollectiveStatistics, Path], None],
    ) -> None:
        """`write` makes the file of statistics."""
        self._shelf = shelf
        self._files = files
        self._write = write
        self._latest: CollectiveStatistics | None = None

    async def latest(self) -> CollectiveStatistics | None:
        """Those on the shelf. What is not whole is as good as none: new items are old then."""
        version = await self._shelf.current()
        if version is None:
            return None
        if self._latest is None or self._latest.version != version:
            try:
                self._latest = await self._obtain(version)
            except (RejectedError, OSError) as exc:
                _log.warning(SNAPSHOT_REFUSED, version=version, error=str(exc))
                return None
        return self._latest

    async def put(self, statistics: CollectiveStatistics) -> None:
        """Write the file, and publish it."""
        number = await self._shelf.number()
        kept = await asyncio.to_thread(self._files.keep, lambda path: self._write(statistics, path))
        await self._shelf.publish(kept.version, self._files.path_of(kept.version), number=number)
        self._latest = kept

    async def _obtain(self, version: str) -> CollectiveStatistics:
        path = self._files.path_of(version)
        if not await asyncio.to_thread(path.exists):
            await self._shelf.fetch(version, path)
        return await asyncio.to_thread(self._files.open, version)
