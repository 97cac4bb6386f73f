"""Wires the worker. Apart from the rest, which does without FastStream and its imports."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic

import msgspec
import structlog
from faststream.redis import StreamSub
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from adapters.addresses import redis_address
from adapters.exposition import expose_metrics
from adapters.live_contents import live_contents, publisher_lease, require_catalogue
from adapters.open_log import RecordEvents
from adapters.process import clock_ms, serve_http, settle, stop_signals
from adapters.redis.connection import Client
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.lease import RedisLease
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import raw_batch
from adapters.telling import events_told
from core.log_names import WORKER_LISTENED
from core.ports import ContentStore
from ingest_worker.composition import (
    ingest_parts,
    queue_observer,
    redis_client,
    redis_stores,
    redis_stream,
    warn_if_unkeyed,
)
from ingest_worker.consumer import Patience, StreamConsumer, make_broker
from ingest_worker.counting.composition import popularity_counting, shelved_statistics
from ingest_worker.counting.report import CountingCollector, CountingReport
from ingest_worker.counting.turns import LEASE_MS as COUNTING_LEASE_MS
from ingest_worker.counting.turns import CountingTurns, Turn
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.keeper import KeeperPace, StreamKeeper
from ingest_worker.metrics import StreamGauges, WorkerMetrics
from ingest_worker.probes import WorkerProbes
from ingest_worker.process_settings import IngestProcess
from ingest_worker.publishing.child import PublisherChild, child_command
from ingest_worker.publishing.life import LEASE_MS
from ingest_worker.publishing.report import PublisherCollector
from ingest_worker.settings import WorkerSettings
from ingest_worker.stores import Stores
from ingest_worker.worker import Worker

_log = structlog.get_logger()


async def run_worker(settings: IngestProcess) -> None:
    """The worker process."""
    require_catalogue(settings)
    warn_if_unkeyed(settings)
    stopping, own = stop_signals(), settings.worker
    async with worker_parts(settings) as parts, asyncio.TaskGroup() as tasks:
        settle()
        tasks.create_task(
            serve_http(parts.app, own.host, own.port, stopping, _say_port, limits=settings.http)
        )
        if parts.publisher is not None:
            tasks.create_task(parts.publisher.run(stopping))
        if parts.counting is not None:
            tasks.create_task(parts.counting.run(stopping))
        await parts.worker.run(stopping)


class WorkerProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A worker, its broker not started yet, what its port answers, and its publisher.

    Where nothing is published it may count views itself.
    """

    worker: Worker
    app: Starlette
    publisher: PublisherChild | None = None
    counting: CountingTurns | None = None


@asynccontextmanager
async def worker_parts(settings: IngestProcess) -> AsyncIterator[WorkerProcess]:
    """The worker over Redis."""
    registry = CollectorRegistry()
    async with (
        redis_client(settings) as client,
        live_contents(settings, client, registry) as contents,
        events_told(settings, registry) as record,
    ):
        yield _worker(settings, client, registry, contents, record)


def _worker(
    settings: IngestProcess,
    client: Client,
    registry: CollectorRegistry,
    contents: ContentStore,
    record: RecordEvents | None,
) -> WorkerProcess:
    """A consumer and a keeper for every shard, the refresher, the port, and a publisher."""
    heartbeats = Heartbeats(clock_s=monotonic, stalled_after_s=settings.worker.stalled_after_s)
    metrics = WorkerMetrics(registry, StreamGauges(registry))
    stores = redis_stores(settings, client)
    parts = ingest_parts(settings, stores, contents, metrics, heartbeats, record)
    name = f"{socket.gethostname()}-{os.getpid()}"
    broker = make_broker(
        redis_address(settings), cluster=settings.redis_cluster, timeout_s=settings.redis_timeout_s
    )
    consumers, keepers = [], []
    for shard in range(settings.ingest.shards):
        consumer = StreamConsumer(
            broker,
            stream=StreamSub(
                stream_key(shard),
                group=GROUP,
                consumer=name,
                batch=True,
                max_records=settings.worker.batch_entries,
                polling_interval=settings.worker.poll_ms,
            ),
            decode=partial(raw_batch, shard=shard),
            handle=parts.handler.handle,
            patience=Patience(retry_s=settings.worker.stale_ms / 2000),
            metrics=metrics,
            beat=heartbeats.expect(f"consumer-{shard}"),
        )
        consumers.append(consumer)
        keepers.append(
            StreamKeeper(
                RedisPendingBatches(client, shard=shard, consumer=name),
                parts.handler.handle,
                revive=consumer.revive,
                dead_letters=stores.screened_letters(clock_ms),
                pace=_pace(settings.worker),
                metrics=metrics,
                beat=heartbeats.expect(f"keeper-{shard}"),
            )
        )
    stream = redis_stream(client, settings.ingest)
    observer = queue_observer(settings, stream, stores, metrics)
    probes = WorkerProbes(heartbeats, consumers, stream, contents)
    return WorkerProcess(
        worker=Worker(broker, keepers, parts.refresher, observer, heartbeats),
        app=expose_metrics(probes.app(), registry),
        publisher=_publisher(settings, client, name, registry, heartbeats),
        counting=_counting(settings, client, stores, contents, name, registry),
    )


def _publisher(
    settings: IngestProcess,
    client: Client,
    holder: str,
    registry: CollectorRegistry,
    heartbeats: Heartbeats,
) -> PublisherChild | None:
    """None where another process publishes, or nobody needs snapshots."""
    if not settings.worker.publisher or settings.content_serving == "qdrant":
        return None
    shown = PublisherCollector()
    registry.register(shown)
    return PublisherChild(
        publisher_lease(client, ttl_ms=LEASE_MS),
        holder=holder,
        command=child_command(holder),
        shown=shown,
        beat=heartbeats.expect("publisher"),
    )


def _counting(
    settings: IngestProcess,
    client: Client,
    stores: Stores,
    contents: ContentStore,
    holder: str,
    registry: CollectorRegistry,
) -> CountingTurns | None:
    """None where a publisher counts, or another process is to have it."""
    if not settings.worker.publisher or settings.content_serving != "qdrant":
        return None
    report, turn = CountingReport(), Turn()
    registry.register(CountingCollector(report))
    counting = popularity_counting(
        settings,
        stores,
        lambda: contents if turn.is_ours else None,
        report,
        shelved_statistics(settings, client),
    )
    lease = RedisLease(client, name="popularity", ttl_ms=COUNTING_LEASE_MS)
    return CountingTurns(counting, lease, turn, holder=holder)


def _pace(worker: WorkerSettings) -> KeeperPace:
    return KeeperPace(
        every_ms=worker.keep_every_ms,
        stale_ms=worker.stale_ms,
        gone_ms=worker.gone_ms,
        max_deliveries=worker.max_deliveries,
        claim_entries=worker.batch_entries,
    )


def _say_port(port: int) -> None:
    _log.info(WORKER_LISTENED, port=port)
