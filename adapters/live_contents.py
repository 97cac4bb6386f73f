"""The catalogue that a process serves, kept as new as its source; for either side's composition."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from adapters.contents import open_content_store, open_qdrant
from adapters.settings import SharedSettings
from adapters.snapshot.binding import SHELF, bind_snapshot
from adapters.snapshot.file import open_snapshot
from adapters.snapshot.folder import SnapshotFolder, private_folder
from adapters.snapshot.follower import CatalogueFollower
from adapters.snapshot.live import LiveContentStore
from adapters.snapshot.metrics import CatalogueMetrics
from core.errors import ConfigError, EngineError
from core.log_names import CATALOGUE_SWAPPED, FOLLOWING_FAILED
from core.ports import ContentStore
from core.shelf import Lease, SnapshotShelf

if TYPE_CHECKING:
    from adapters.redis.connection import Client

_log = structlog.get_logger()


@asynccontextmanager
async def live_contents(
    settings: SharedSettings, client: "Client | None", registry: CollectorRegistry
) -> AsyncIterator[ContentStore]:
    """The catalogue by CONTENT_SERVING; without Redis that of the file, as it is now.

    Raises: ConfigError where the settings ask for what cannot be.
    """
    metrics, live = CatalogueMetrics(registry), LiveContentStore()
    if settings.content_serving == "qdrant":
        _require_qdrant(settings)
        following = _follow_qdrant(settings, live, metrics)
    elif client is not None:
        following = _follower(settings, client, live, metrics).run()
    else:
        store = open_content_store(settings)
        metrics.swapped(store, items=len(store))
        yield store
        return
    task = asyncio.create_task(following)
    try:
        yield live
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _follower(
    settings: SharedSettings, client: "Client", live: LiveContentStore, metrics: CatalogueMetrics
) -> CatalogueFollower:
    return CatalogueFollower(
        open_shelf(client),
        snapshot_folder(settings),
        live,
        metrics=metrics,
        every_ms=settings.content_check_ms,
    )


async def _follow_qdrant(
    settings: SharedSettings, live: LiveContentStore, metrics: CatalogueMetrics
) -> None:
    """Learn which collection is served, and when something in it has changed."""
    from adapters.qdrant.content_store import QdrantContentStore  # noqa: PLC0415 - half a second

    store, said = None, ""
    async with open_qdrant(settings) as qdrant:
        while True:
            try:
                changed = store is None or await store.refresh()
                if store is None:
                    store = await QdrantContentStore.open(qdrant, settings.qdrant_collection)
                if changed:
                    live.swap(store.edition())
                    metrics.swapped(live.edition(), items=None)
                    _log.info(CATALOGUE_SWAPPED, version=live.version)
                metrics.confirmed()
                said = ""
            except EngineError as exc:
                if said != str(exc):
                    _log.warning(FOLLOWING_FAILED, error=str(exc))
                said = str(exc)
            except Exception:
                # Whatever it is: what is served goes on being served.
                _log.exception(FOLLOWING_FAILED)
            await asyncio.sleep(settings.content_check_ms / 1000)


def _require_qdrant(settings: SharedSettings) -> None:
    if not settings.qdrant_api_url:
        raise ConfigError("CONTENT_SERVING=qdrant needs QDRANT_API_URL")


def snapshot_folder(settings: SharedSettings) -> SnapshotFolder:
    """The snapshots of this machine. Raises: ConfigError where others may write there."""
    return SnapshotFolder(
        private_folder(settings.content_folder, settings.redis_url),
        read=open_snapshot,
        write=bind_snapshot,
    )


def open_shelf(client: "Client") -> SnapshotShelf:
    """The shelf of this release's file format."""
    from adapters.redis.snapshot_shelf import RedisSnapshotShelf  # noqa: PLC0415

    return RedisSnapshotShelf(client, name=SHELF)


def publisher_lease(client: "Client", *, ttl_ms: int) -> Lease:
    """The right to publish, of which there is one a file format."""
    from adapters.redis.lease import RedisLease  # noqa: PLC0415

    return RedisLease(client, name=f"publisher-{SHELF}", ttl_ms=ttl_ms)


def require_catalogue(settings: SharedSettings) -> None:
    """Raise ConfigError where CATALOGUE names what is not there."""
    path = settings.catalogue
    if path and not settings.qdrant_api_url and not Path(path).is_file():
        raise ConfigError(f"CATALOGUE={path!r}: there is no such file")
