"""A publisher with everything it needs, in memory and in a folder."""

import errno
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adapters.memory.snapshot_shelf import InMemorySnapshotShelf
from adapters.snapshot.binding import bind_snapshot
from adapters.snapshot.file import open_snapshot
from adapters.snapshot.folder import SnapshotFolder
from core.content import Content
from core.shelf import Snapshot
from ingest_worker.publishing.draft import SourceReader
from ingest_worker.publishing.publisher import Publisher
from tests.sources import CountingEmbedder, Source


class Shelf(InMemorySnapshotShelf):
    """A shelf that counts what is published."""

    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []

    async def publish(self, version: str, path: Path, *, number: int) -> bool:
        done = await super().publish(version, path, number=number)
        self.published += [version] if done else []
        return done

    def flush(self) -> None:
        """Lose everything, as a flushed Redis does."""
        self._current = None


class Clock:
    """A clock that the test moves, and that a scan moves by what it takes."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Desk:
    """A publisher with its source, its shelf and its folder."""

    def __init__(self, folder: Path, *items: Content, space: str | None = None) -> None:
        self.folder = folder
        self.shelf, self.clock, self.embedder = Shelf(), Clock(), CountingEmbedder()
        self.source = Source(*items) if space is None else Source(*items, space=space)
        self.disk_is_full = False
        self.write_takes_s, self.is_writing = 0.0, False
        self.publisher = self.another()

    def another(self, **more: Any) -> Publisher:
        """A publisher of the same source, as after a new start."""
        return Publisher(
            reader=SourceReader(self.source, self.embedder),
            shelf=self.shelf,
            files=SnapshotFolder(self.folder, read=open_snapshot, write=self.write),
            clock_s=self.clock,
            **more,
        )

    def write(
        self, path: Path, contents: Sequence[Content], space: str, previous: Snapshot | None
    ) -> None:
        self.is_writing = True
        time.sleep(self.write_takes_s)
        if self.disk_is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        bind_snapshot(path, contents, space, previous)

    async def served(self) -> dict[str, Content]:
        """What whoever follows the shelf would serve."""
        version = await self.shelf.current()
        assert version is not None
        await self.shelf.fetch(version, self.folder / "served")
        snapshot = open_snapshot(self.folder / "served")
        assert snapshot.version == version
        return {one.id: one for one in snapshot.columns.contents}


async def nothing() -> None:
    """Let a look at the mark be."""
