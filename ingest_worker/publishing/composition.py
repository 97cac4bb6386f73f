"""Wires the publisher: by itself, as a worker's child, or for one round."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from uuid import uuid4

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from adapters.catalogue.jsonl import bundled_catalogue
from adapters.catalogue.source import CatalogueFileSource
from adapters.contents import open_qdrant
from adapters.embedding.choice import open_embedder
from adapters.exposition import expose_metrics
from adapters.live_contents import (
    open_shelf,
    publisher_lease,
    require_catalogue,
    snapshot_folder,
)
from adapters.process import clock_ms, serve_http, stop_signals
from adapters.redis.connection import Client
from adapters.redis.modelled_space import RedisModelledSpace
from adapters.settings import SharedSettings
from adapters.snapshot.folder import SnapshotFolder
from core.errors import RejectedError, RetryableError
from core.shelf import Snapshot
from ingest_worker.composition import (
    redis_client,
    redis_stores,
    redis_stream,
)
from ingest_worker.counting.composition import popularity_counting, shelved_statistics
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.probes import PublisherProbes
from ingest_worker.process_settings import IngestProcess
from ingest_worker.publishing.draft import ContentSource, SourceReader
from ingest_worker.publishing.life import LEASE_MS, Publishing, PublishingPace
from ingest_worker.publishing.lifeline import end_with_input, tell
from ingest_worker.publishing.publisher import Publisher
from ingest_worker.publishing.remodelling import Remodelling, RemodellingPace
from ingest_worker.publishing.report import PublisherCollector

_TRIES = 3
_TOUCH_EVERY_S = 15.0


async def run_publisher(settings: IngestProcess, holder: str | None = None) -> None:
    """The publisher's process. As a worker's child it is given the worker's name.

    A child ends with its standard input, and tells its worker how it is
    instead of having a port.
    """
    require_catalogue(settings)
    stopping, shown, own = stop_signals(), PublisherCollector(), settings.worker
    heartbeats = Heartbeats(clock_s=monotonic, stalled_after_s=own.stalled_after_s)
    folder = snapshot_folder(settings)
    async with redis_client(settings) as client, _source(settings) as source:
        publisher = _publisher(settings, client, source, folder)
        publishing = Publishing(
            publisher,
            publisher_lease(client, ttl_ms=LEASE_MS),
            holder=holder or f"{socket.gethostname()}-{os.getpid()}",
            pace=PublishingPace(every_s=settings.content_check_ms / 1000),
            report=shown.report,
            beat=heartbeats.expect("publisher"),
            leaves_with_lease=holder is not None,
        )
        remodelling = _remodelling(settings, client)
        counting = popularity_counting(
            settings,
            redis_stores(settings, client),
            lambda: publisher.published if shown.report.holds_lease else None,
            shown.report.counting,
            shelved_statistics(settings, client),
        )
        async with asyncio.TaskGroup() as tasks:
            if holder is None:
                app = _app(settings, client, heartbeats, shown)
                tasks.create_task(
                    serve_http(app, own.host, own.port, stopping, limits=settings.http)
                )
            else:
                end_with_input(stopping)
                tasks.create_task(tell(shown.report, stopping))
            beside = [
                tasks.create_task(remodelling.run(lambda: _published_space(publisher))),
                tasks.create_task(_look_after(folder, publisher)),
                tasks.create_task(counting.run()),
            ]
            await publishing.run(stopping)
            for task in beside:
                task.cancel()


async def publish_once(
    settings: SharedSettings, client: Client, *, anew: bool = False, may_be_empty: bool = False
) -> Snapshot:
    """Publish the source as it is now; what is published then.

    `anew` takes nothing over from the snapshot before. A publisher that waits
    for its turn does so meanwhile; one that is at work does not mind.

    Raises: RetryableError where the source or Redis is away, ConfigError where
        CATALOGUE names no file, RejectedError where there is nothing to publish.
    """
    require_catalogue(settings)
    folder = snapshot_folder(settings)
    async with _source(settings) as source, _turn(client):
        publisher = _publisher(settings, client, source, folder, may_be_empty=may_be_empty)
        if not anew:
            await publisher.adopt()
        for _ in range(_TRIES):  # another publisher may have looked later, and published first
            await publisher.round()
            if publisher.refusal:
                raise RejectedError(f"{publisher.refusal}; what was published last stays")
            if publisher.published is not None:
                return publisher.published
        raise RetryableError("another publisher was faster again and again")


@asynccontextmanager
async def _turn(client: Client) -> AsyncIterator[None]:
    """The lease for as long as it takes, if nobody has it."""
    lease, holder = publisher_lease(client, ttl_ms=LEASE_MS), f"once-{uuid4().hex}"

    async def keep() -> None:
        while True:
            if not await lease.hold(holder):
                return
            await asyncio.sleep(LEASE_MS / 5000)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError, RetryableError):
            await keeping
        with suppress(RetryableError):
            await lease.release(holder)


def _publisher(
    settings: SharedSettings,
    client: Client,
    source: ContentSource,
    folder: SnapshotFolder,
    *,
    may_be_empty: bool = False,
) -> Publisher:
    is_file = isinstance(source, CatalogueFileSource)
    return Publisher(
        reader=SourceReader(source, open_embedder(settings.embedder), comes_whole=is_file),
        shelf=open_shelf(client),
        files=folder,
        mark_tells_all=is_file,
        may_be_empty=may_be_empty,
    )


def _remodelling(settings: IngestProcess, client: Client) -> Remodelling:
    stores = redis_stores(settings, client)
    return Remodelling(
        buffer=stores.buffer,
        models=stores.models,
        queue=stores.queue,
        modelled=RedisModelledSpace(client),
        window_ms=settings.model.window_ms,
        clock_ms=clock_ms,
        pace=RemodellingPace(),
    )


def _app(
    settings: IngestProcess, client: Client, heartbeats: Heartbeats, shown: PublisherCollector
) -> Starlette:
    registry = CollectorRegistry()
    registry.register(shown)
    probes = PublisherProbes(heartbeats, redis_stream(client, settings.ingest))
    return expose_metrics(probes.app(), registry)


def _published_space(publisher: Publisher) -> str | None:
    return publisher.published.vector_space if publisher.published else None


async def _look_after(folder: SnapshotFolder, publisher: Publisher) -> None:
    """Keep the file that is published, and no others."""
    while True:
        if publisher.published is not None:
            await asyncio.to_thread(folder.touch, publisher.published.version)
            await asyncio.to_thread(folder.sweep)
        await asyncio.sleep(_TOUCH_EVERY_S)


@asynccontextmanager
async def _source(settings: SharedSettings) -> AsyncIterator[ContentSource]:
    """Qdrant, else the file in CATALOGUE, else the bundled one."""
    if settings.qdrant_api_url:
        # Half a second and 60 MB, for those who use it.
        from adapters.qdrant.repository import QdrantContentRepository  # noqa: PLC0415

        async with open_qdrant(settings) as qdrant:
            yield QdrantContentRepository(qdrant, settings.qdrant_collection)
    else:
        path = Path(settings.catalogue) if settings.catalogue else bundled_catalogue()
        yield CatalogueFileSource(path)
