"""Wires the ingest side: the only module here that knows the adapters."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
import structlog
from faststream.redis import StreamSub
from redis.asyncio import Redis
from starlette.applications import Starlette

from adapters.contents import open_content_store
from adapters.plans.toml import read_plan
from adapters.process import clock_ms, serve_http, settle, stop_signals
from adapters.redis.connection import connect
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.keys import stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import GROUP, RedisRawBatchStream, raw_batch
from adapters.redis.user_models import RedisUserModelStore
from adapters.settings import SharedSettings, read_settings
from core.errors import ConfigError
from core.log_names import INGEST_OPENED
from core.modelling.build import ModelBasis
from core.normalizing.limits import EventLimits
from core.normalizing.mapping import EventMapper
from core.plan import EventPlan
from core.ports import (
    ContentStore,
    DeadLetters,
    DueQueue,
    EventBuffer,
    RawBatchStream,
    UserModelStore,
)
from core.updater import UserModelUpdater
from ingest_worker.backpressure import Backpressure
from ingest_worker.batches import BatchHandler
from ingest_worker.consumer import StreamConsumer, make_broker
from ingest_worker.keeper import KeeperPace, StreamKeeper
from ingest_worker.refresher import Refresher
from ingest_worker.settings import IngestSettings, WorkerSettings
from ingest_worker.webhook import Webhook
from ingest_worker.worker import Worker

_log = structlog.get_logger()


class IngestProcess(SharedSettings, frozen=True, kw_only=True):
    """All settings of the webhook and of the worker."""

    ingest: IngestSettings = IngestSettings()
    event: EventLimits = EventLimits()
    worker: WorkerSettings = WorkerSettings()


def ingest_settings(environ: Mapping[str, str]) -> IngestProcess:
    """Read the settings of a webhook or worker that runs by itself.

    Raises: ConfigError naming every bad variable, and where there is no Redis:
        the events would be kept in a memory that nobody reads.
    """
    settings = read_settings(IngestProcess, environ)
    if not settings.redis_url:
        raise ConfigError(
            "REDIS_URL is unset: a webhook or worker by itself needs Redis, or the events it "
            "accepts reach nobody; for everything in one process start `ai-engine run`"
        )
    return settings


@asynccontextmanager
async def webhook_parts(settings: IngestProcess) -> AsyncIterator[Starlette]:
    """The webhook over Redis; the stream stores until the last request is answered."""
    async with _redis(settings) as client, asyncio.TaskGroup() as tasks:
        ingest, stopping = settings.ingest, asyncio.Event()
        stream = RedisRawBatchStream(
            client,
            shards=ingest.shards,
            wait_replicas=ingest.wait_replicas,
            wait_ms=ingest.wait_ms,
        )
        backpressure = Backpressure(stream, ingest.high_water)
        tasks.create_task(stream.run())
        tasks.create_task(backpressure.run(stopping))
        yield Webhook(stream, backpressure, ingest).app()
        stopping.set()
        stream.close()


@asynccontextmanager
async def worker_parts(settings: IngestProcess) -> AsyncIterator[Worker]:
    """The worker over Redis, its broker not started yet."""
    async with _redis(settings) as client:
        shards = settings.ingest.shards
        parts = ingest_parts(
            settings,
            plan=read_plan(settings.event_plan),
            contents=open_content_store(settings),
            buffer=RedisEventBuffer(
                client,
                window_ms=settings.model.window_ms,
                max_events=settings.max_events_per_user,
                model_ttl_s=settings.model_ttl_s,
            ),
            queue=RedisDueQueue(client, settings.worker.debounce, shards=shards),
            dead_letters=RedisDeadLetters(client, max_letters=settings.worker.max_dead_letters),
            models=RedisUserModelStore(client, ttl_s=settings.model_ttl_s),
        )
        yield _worker(settings, client, parts)


async def run_webhook(settings: IngestProcess) -> None:
    """The webhook process."""
    warn_if_open(settings)
    async with webhook_parts(settings) as app:
        await serve_http(app, settings.ingest.host, settings.ingest.port, stop_signals())


async def run_worker(settings: IngestProcess) -> None:
    """The worker process."""
    async with worker_parts(settings) as worker:
        settle()
        await worker.run(stop_signals())


class OperatorParts(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line works with."""

    stream: RawBatchStream
    dead_letters: DeadLetters


@asynccontextmanager
async def operator_parts(settings: IngestProcess) -> AsyncIterator[OperatorParts]:
    """The stream, ready to store, and the dead letters."""
    async with _redis(settings) as client, asyncio.TaskGroup() as tasks:
        stream = RedisRawBatchStream(client, shards=settings.ingest.shards)
        tasks.create_task(stream.run())
        yield OperatorParts(
            stream=stream,
            dead_letters=RedisDeadLetters(client, max_letters=settings.worker.max_dead_letters),
        )
        stream.close()


class IngestParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker does, wherever its batches come from."""

    handler: BatchHandler
    refresher: Refresher
    dead_letters: DeadLetters


def ingest_parts(
    settings: IngestProcess,
    *,
    plan: EventPlan,
    contents: ContentStore,
    buffer: EventBuffer,
    queue: DueQueue,
    dead_letters: DeadLetters,
    models: UserModelStore,
) -> IngestParts:
    """Wire the batch handler and the refresher over whichever adapters."""
    refresher = Refresher(
        queue=queue,
        updater=UserModelUpdater(buffer, models, contents, ModelBasis.of(plan, settings.model)),
        clock_ms=clock_ms,
        users_a_round=settings.worker.refresh_users,
        poll_ms=settings.worker.refresh_poll_ms,
        again_after_ms=settings.model_ttl_s * 1000 // 2,
    )
    handler = BatchHandler(
        mapper=EventMapper(plan, settings.event),
        buffer=buffer,
        queue=queue,
        dead_letters=dead_letters,
        window_ms=settings.model.window_ms,
        clock_ms=clock_ms,
        marked=refresher.nudge,
    )
    return IngestParts(handler=handler, refresher=refresher, dead_letters=dead_letters)


def _worker(settings: IngestProcess, client: Redis, parts: IngestParts) -> Worker:
    """A consumer and a keeper for every shard, and the refresher."""
    name = f"{socket.gethostname()}-{os.getpid()}"
    broker = make_broker(settings.redis_url, timeout_s=settings.redis_timeout_s)
    keepers = []
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
            decode=raw_batch,
            handle=parts.handler.handle,
        )
        keepers.append(
            StreamKeeper(
                RedisPendingBatches(client, shard=shard, consumer=name),
                parts.handler.handle,
                revive=consumer.revive,
                dead_letters=parts.dead_letters,
                pace=KeeperPace(
                    every_ms=settings.worker.keep_every_ms,
                    stale_ms=settings.worker.stale_ms,
                    gone_ms=settings.worker.gone_ms,
                    max_deliveries=settings.worker.max_deliveries,
                ),
            )
        )
    return Worker(broker, keepers, parts.refresher)


def warn_if_open(settings: IngestProcess) -> None:
    """Say loudly that anybody may send events."""
    if not settings.ingest.api_key:
        _log.warning(INGEST_OPENED, hint="set INGEST_API_KEY to ask senders for a key")


@asynccontextmanager
async def _redis(settings: IngestProcess) -> AsyncIterator[Redis]:
    async with AsyncExitStack() as stack:
        client = connect(settings.redis_url, timeout_s=settings.redis_timeout_s)
        stack.push_async_callback(client.aclose)
        yield client
