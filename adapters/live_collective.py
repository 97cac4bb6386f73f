"""The statistics of all visitors that a process uses, kept as new as those on the shelf."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from adapters.collective.file import SHELF, open_statistics
from adapters.collective.live import LiveCollective
from adapters.settings import SharedSettings
from adapters.snapshot.folder import VersionedFolder, private_folder
from adapters.snapshot.follower import Followed, ShelfFollower
from adapters.snapshot.metrics import ShelfMetrics
from core.collective.collective import Collective
from core.collective.statistics import CollectiveStatistics
from core.columns import ContentColumns
from core.errors import NoCatalogueError
from core.index.contents import IndexedContents
from core.log_names import COLLECTIVE_RECOVERED, COLLECTIVE_SWAPPED
from core.ports import ContentStore
from core.shelf import SnapshotShelf

if TYPE_CHECKING:
    from adapters.redis.connection import Client

_CHECK_MS = 2000
"""Statistics are minutes old anyway."""
_FOLDER = "collective"


@asynccontextmanager
async def live_collective(
    settings: SharedSettings,
    client: "Client | None",
    registry: CollectorRegistry,
    contents: ContentStore,
) -> AsyncIterator[Callable[[], Collective | None]]:
    """Gives the statistics of the moment; without Redis there are none.

    They are made ready for answers from `contents`.
    """
    live = LiveCollective()
    if client is None:
        yield live.current
        return
    follower = ShelfFollower(
        collective_shelf(client),
        collective_folder(settings),
        live,
        statistics_followed(lambda one: live.prepare(one, _columns(contents))),
        metrics=ShelfMetrics(registry, "collective"),
        every_ms=max(_CHECK_MS, settings.content_check_ms),
    )
    task = asyncio.create_task(follower.run())
    try:
        yield live.current
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def statistics_followed(
    warm: Callable[[CollectiveStatistics], None],
) -> Followed[CollectiveStatistics]:
    """What a follower of statistics has to know about them."""
    return Followed(
        warm=warm,
        items=lambda one: one.figures.items,
        swapped=COLLECTIVE_SWAPPED,
        recovered=COLLECTIVE_RECOVERED,
    )


def _columns(contents: ContentStore) -> ContentColumns | None:
    """Those of a catalogue in this process, if there is one by now."""
    try:
        edition = contents.edition()
    except NoCatalogueError:
        return None
    return edition.columns if isinstance(edition, IndexedContents) else None


def collective_folder(settings: SharedSettings) -> VersionedFolder[CollectiveStatistics]:
    """The statistics of this machine. Raises: ConfigError where others may write there."""
    return VersionedFolder(
        private_folder(settings.content_folder, settings.redis_url) / _FOLDER, read=open_statistics
    )


def collective_shelf(client: "Client") -> SnapshotShelf:
    """The shelf of this release's file format."""
    from adapters.redis.snapshot_shelf import RedisSnapshotShelf  # noqa: PLC0415

    return RedisSnapshotShelf(client, name=SHELF)
