"""Wires the ingest side. With `worker_composition` the only module here that knows adapters."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from adapters.addresses import redis_address
from adapters.documentation.pages import OPENAPI, expose_documentation, release
from adapters.exposition import METRICS, expose_metrics
from adapters.http_security import SecuredApp
from adapters.keys.opening import opened_gate
from adapters.open_log import RecordEvents, person_log
from adapters.plans.toml import read_plan
from adapters.process import clock_ms, serve_http, stop_signals
from adapters.redis.connection import Client, connect
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.popularity import RedisPopularityStore
from adapters.redis.stored_batches import RedisStoredBatches
from adapters.redis.stream import RedisRawBatchStream
from adapters.redis.tombstones import RedisTombstones
from adapters.redis.user_models import RedisUserModelStore
from adapters.settings import SharedSettings
from core.erasing.eraser import Eraser
from core.erasing.export import Exporter
from core.erasing.sweep import Sweep
from core.http.access import AccessPolicy
from core.http.gate import Gate
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.log_names import INGEST_OPENED, TOMBSTONES_UNKEYED
from core.modelling.build import ModelBasis
from core.normalizing.mapping import EventMapper
from core.popularity.stored import POPULARITY_TTL_S
from core.ports import ContentStore
from core.queues import RawBatchStream
from core.updater import UserModelUpdater
from ingest_worker.backpressure import Backpressure
from ingest_worker.batches import BatchHandler, normalizer
from ingest_worker.doors import WebhookDoors
from ingest_worker.erasing import ErasingDoor
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.linking import Linker
from ingest_worker.metrics import StreamGauges, WebhookMetrics, WorkerMetrics
from ingest_worker.observer import Observer
from ingest_worker.operations import webhook_document
from ingest_worker.process_settings import IngestProcess
from ingest_worker.refresher import Refresher
from ingest_worker.screening import Screen
from ingest_worker.settings import RIGHTS, IngestSettings
from ingest_worker.stores import Stores
from ingest_worker.webhook import Webhook

_log = structlog.get_logger()
_PAUSE_S = 0.05
"""Of an erasing, for workers to finish what they have in hand."""


class IngestParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker does, wherever its batches come from."""

    handler: BatchHandler
    refresher: Refresher


@asynccontextmanager
async def webhook_parts(settings: IngestProcess) -> AsyncIterator[SecuredApp]:
    """The webhook over Redis; the stream stores until the last request is answered."""
    registry = CollectorRegistry()
    gauges = StreamGauges(registry)
    async with (
        webhook_gate(settings, settings.ingest, registry) as gate,
        redis_client(settings) as client,
        asyncio.TaskGroup() as tasks,
    ):
        ingest, stopping = settings.ingest, asyncio.Event()
        stream = redis_stream(client, ingest)
        backpressure = Backpressure(stream, ingest.high_water, gauges, clock_ms)
        tasks.create_task(stream.run())
        tasks.create_task(backpressure.run(stopping))
        doors = WebhookDoors(gate, ingest.api_key_header)
        webhook = Webhook(stream, backpressure, ingest, doors, WebhookMetrics(registry, gauges))
        erasing = erasing_door(settings, redis_stores(settings, client), doors)
        yield webhook_app(webhook, erasing, ingest, gate.policy, registry)
        stopping.set()
        stream.close()


def webhook_gate(
    shared: SharedSettings, ingest: IngestSettings, registry: CollectorRegistry
) -> AbstractAsyncContextManager[Gate]:
    """Who is let in. Raises: ConfigError where KEYS_FILE cannot be used."""
    policy = ingest.access(keys_file=shared.keys_file)
    _warn_if_open(policy)
    return opened_gate(shared, policy, ingest.keys, RIGHTS, registry)


def webhook_app(
    webhook: Webhook,
    erasing: ErasingDoor,
    ingest: IngestSettings,
    policy: AccessPolicy,
    registry: CollectorRegistry,
) -> SecuredApp:
    """The webhook with what every service shows of itself."""
    document = webhook_document(ingest, policy, release(), [METRICS, OPENAPI])
    app = webhook.app(erasing.routes())
    return SecuredApp(expose_documentation(expose_metrics(app, registry), document))


async def run_webhook(settings: IngestProcess) -> None:
    """The webhook process."""
    warn_if_unkeyed(settings)
    async with webhook_parts(settings) as app:
        own, stopping = settings.ingest, stop_signals()
        await serve_http(app, own.host, own.port, stopping, limits=settings.http)


def redis_stream(client: Client, ingest: IngestSettings) -> RedisRawBatchStream:
    """The stream as the webhook stores into it; its `run` must be running."""
    return RedisRawBatchStream(
        client,
        shards=ingest.shards,
        wait_replicas=ingest.wait_replicas,
        wait_ms=ingest.wait_ms,
    )


def redis_stores(settings: IngestProcess, client: Client) -> Stores:
    """Everything over Redis."""
    return Stores(
        graph=RedisIdentityGraph(client, settings.identity),
        buffer=RedisEventBuffer(
            client,
            window_ms=settings.model.window_ms,
            max_events=settings.max_events_per_user,
            model_ttl_s=settings.model_ttl_s,
        ),
        queue=RedisDueQueue(client, settings.worker.debounce, shards=settings.ingest.shards),
        dead_letters=RedisDeadLetters(
            client,
            max_letters=settings.worker.max_dead_letters,
            max_bytes=settings.worker.max_dead_letter_bytes,
        ),
        models=RedisUserModelStore(client, ttl_s=settings.model_ttl_s, identity=settings.identity),
        popularity=RedisPopularityStore(client, ttl_s=POPULARITY_TTL_S),
        tombstones=RedisTombstones(
            client,
            key=settings.tombstone_hash_key,
            window_ms=settings.model.window_ms,
            clock_ms=clock_ms,
        ),
        batches=RedisStoredBatches(client, shards=settings.ingest.shards),
        log=person_log(settings),
    )


def eraser(settings: IngestProcess, stores: Stores) -> Eraser:
    """What erases persons, over whichever adapters."""
    return Eraser(
        stores.places,
        settings.identity,
        term_ms=settings.erase_term_ms,
        pause=lambda: asyncio.sleep(_PAUSE_S),
    )


def erasing_door(settings: IngestProcess, stores: Stores, doors: WebhookDoors) -> ErasingDoor:
    """What erases and exports persons over HTTP."""
    erasing = eraser(settings, stores)
    exporter = Exporter(stores.places, erasing)
    return ErasingDoor(erasing, exporter, doors, settings.ingest, clock_ms)


def model_updater(
    settings: SharedSettings, stores: Stores, contents: ContentStore
) -> UserModelUpdater:
    """What rebuilds models, over whichever adapters."""
    basis = ModelBasis.of(read_plan(settings.event_plan), settings.model)
    return UserModelUpdater(
        person_events(settings, stores),
        stores.models,
        contents,
        basis,
        between=lambda: asyncio.sleep(0),
    )


def person_events(settings: SharedSettings, stores: Stores) -> PersonEvents:
    """The buffered events by person."""
    identity = settings.identity
    return PersonEvents(
        stores.buffer,
        People(stores.graph, identity),
        identity,
        max_events=settings.max_events_per_user,
    )


def ingest_parts(
    settings: IngestProcess,
    stores: Stores,
    contents: ContentStore,
    metrics: WorkerMetrics,
    heartbeats: Heartbeats,
    record: RecordEvents | None = None,
) -> IngestParts:
    """Wire the batch handler and the refresher over whichever adapters.

    `record` is told of events that are stored.
    """
    refresher = Refresher(
        queue=stores.queue,
        updater=model_updater(settings, stores, contents),
        sweep=Sweep(stores.places),
        clock_ms=clock_ms,
        users_a_round=settings.worker.refresh_users,
        poll_ms=settings.worker.refresh_poll_ms,
        again_after_ms=settings.model_ttl_s * 1000 // 2,
        metrics=metrics,
        beat=heartbeats.expect("refresher"),
    )
    handler = BatchHandler(
        normalize=normalizer(
            EventMapper(read_plan(settings.event_plan), settings.event),
            window_ms=settings.model.window_ms,
        ),
        screen=Screen(stores.places, eraser(settings, stores), metrics),
        linker=Linker(stores.graph, settings.identity, metrics),
        buffer=stores.buffer,
        queue=stores.queue,
        dead_letters=stores.screened_letters(clock_ms),
        clock_ms=clock_ms,
        marked=refresher.nudge,
        metrics=metrics,
        record=record,
    )
    return IngestParts(handler=handler, refresher=refresher)


def queue_observer(
    settings: IngestProcess, stream: RawBatchStream, stores: Stores, metrics: WorkerMetrics
) -> Observer:
    """What shows the queues in the metrics, over whichever adapters."""
    return Observer(
        stream=stream,
        queue=stores.queue,
        dead_letters=stores.dead_letters,
        metrics=metrics,
        clock_ms=clock_ms,
        every_ms=settings.worker.keep_every_ms,
    )


def _warn_if_open(policy: AccessPolicy) -> None:
    """Say loudly that anybody may send events."""
    if not policy.has_keys:
        _log.warning(INGEST_OPENED, hint="set INGEST_API_KEY to ask senders for a key")


def warn_if_unkeyed(settings: IngestProcess) -> None:
    """Say loudly that whoever reads Redis can find out who was erased."""
    if not settings.tombstone_key:
        hint = "set TOMBSTONE_KEY, the same everywhere: else it lies in Redis beside the hashes"
        _log.warning(TOMBSTONES_UNKEYED, hint=hint)


@asynccontextmanager
async def redis_client(settings: SharedSettings) -> AsyncIterator[Client]:
    """A client, closed at the end."""
    async with AsyncExitStack() as stack:
        client = connect(
            redis_address(settings),
            timeout_s=settings.redis_timeout_s,
            cluster=settings.redis_cluster,
        )
        stack.push_async_callback(client.aclose)
        yield client
