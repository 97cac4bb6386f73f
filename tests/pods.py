"""Processes that follow a shelf for their catalogue, and may share a machine's folder."""

import errno
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from adapters.memory.snapshot_shelf import InMemorySnapshotShelf
from adapters.snapshot.binding import bind_snapshot
from adapters.snapshot.file import open_snapshot
from adapters.snapshot.folder import SnapshotFolder
from adapters.snapshot.follower import CatalogueFollower
from adapters.snapshot.live import LiveContentStore
from adapters.snapshot.metrics import CatalogueMetrics
from core.content import ContentFilter
from core.errors import RetryableError
from tests.build import content

ANYTHING = ContentFilter()


class Shelf(InMemorySnapshotShelf):
    """A shelf that counts its fetches, and may be away or meet a full disk."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.is_away = False
        self.disk_is_full = False

    async def current(self) -> str | None:
        if self.is_away:
            raise RetryableError("Redis is away")
        return await super().current()

    async def fetch(self, version: str, into: Path, *, have: Sequence[Path] = ()) -> None:
        self.fetched.append(version)
        if self.disk_is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        await super().fetch(version, into, have=have)


class Pod:
    """A process that follows a shelf, with a folder that it may share."""

    def __init__(self, shelf: Shelf, path: Path, *, unused_s: float = 60.0) -> None:
        self.shelf, self.path = shelf, path
        self.registry = CollectorRegistry()
        self.store = LiveContentStore()
        self.follower = CatalogueFollower(
            shelf,
            SnapshotFolder(path, read=open_snapshot, write=bind_snapshot, unused_s=unused_s),
            self.store,
            metrics=CatalogueMetrics(self.registry),
            every_ms=1,
        )

    async def publish(self, *items: str, seed: int = 0) -> str:
        """Put a catalogue of these items on the shelf; `seed` makes it another."""
        source = self.path.parent / "source"
        bind_snapshot(source, [content(one, text=f"{one} {seed}") for one in items], "", None)
        version = open_snapshot(source).version
        await self.shelf.publish(version, source, number=await self.shelf.number())
        return version

    async def served(self) -> list[str]:
        return (await self.store.sample(limit=99, seed=0, where=ANYTHING)).ids

    def file_of(self, version: str) -> Path:
        return self.path / f"{version}.snapshot"

    def number(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"ai_engine_catalogue_{name}", labels)
