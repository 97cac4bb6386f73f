"""The whole pipeline in one process, in memory: the only module that imports both sides.

For machines without an embedded Valkey and for a first look. What it holds
dies with it.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from time import monotonic

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from adapters.collective.live import LiveCollective
from adapters.contents import open_content_store
from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.popularity import InMemoryPopularityStore
from adapters.memory.stream import InMemoryRawBatchStream
from adapters.memory.tombstones import InMemoryTombstones
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.open_log import (
    RecordAnswers,
    RecordEvents,
    answer_replays,
    person_log,
)
from adapters.process import clock_ms, serve_http, stop_signals
from adapters.rankers.metrics import ShadowMetrics
from adapters.rankers.opening import opened_policies
from adapters.settings import read_settings
from adapters.telling import answers_told, events_told
from core.content import Content, ContentFilter
from core.errors import ConfigError
from core.http.gate import Gate
from core.log_names import BATCH_FAILED
from core.policies.policies import Policies
from core.popularity.stored import POPULARITY_TTL_S
from core.ports import ContentStore
from ingest_worker.backpressure import Backpressure
from ingest_worker.batches import BatchHandler
from ingest_worker.composition import (
    erasing_door,
    ingest_parts,
    person_events,
    queue_observer,
    webhook_app,
    webhook_gate,
)
from ingest_worker.counting.composition import popularity_counting
from ingest_worker.counting.popularity import PopularityCounting
from ingest_worker.counting.report import CountingCollector, CountingReport
from ingest_worker.doors import WebhookDoors
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.metrics import StreamGauges, WebhookMetrics, WorkerMetrics
from ingest_worker.process_settings import IngestProcess, check_term
from ingest_worker.stores import Stores
from ingest_worker.webhook import Webhook
from serve_api.composition import model_basis, serve_app, serve_gate
from serve_api.latest_views import LatestViews
from serve_api.settings import ServeSettings
from serve_api.sources import Sources

_log = structlog.get_logger()


class OneProcess(IngestProcess, frozen=True, kw_only=True):
    """The settings of both sides."""

    serve: ServeSettings = ServeSettings()

    def __post_init__(self) -> None:
        """A key that is asked for must exist. Raises: ValueError."""
        self.serve.access(keys_file=self.keys_file)


def one_process_settings(environ: Mapping[str, str]) -> OneProcess:
    """Read the settings. Raises: ConfigError naming every bad variable."""
    settings = read_settings(OneProcess, environ)
    check_term(settings)
    return settings


async def run_one_process(settings: OneProcess, when_served: Callable[[Content], None]) -> None:
    """Webhook, worker and read API until a signal comes; says what item there is."""
    registries = CollectorRegistry(), CollectorRegistry()
    async with (
        webhook_gate(settings, settings.ingest, registries[0]) as ingest_gate,
        serve_gate(settings, settings.serve, registries[1]) as reading_gate,
        opened_policies(settings, model_basis(settings).config_version, registries[1]) as policies,
        answers_told(settings, registries[1]) as record,
        events_told(settings, registries[0]) as record_events,
    ):
        learning = _Learning(policies=policies, record=record, record_events=record_events)
        await _run(settings, (ingest_gate, reading_gate), registries, learning, when_served)


class _Learning(msgspec.Struct, frozen=True, kw_only=True):
    """What answers are made by, and what is told of them and of events."""

    policies: Policies
    record: RecordAnswers | None
    record_events: RecordEvents | None


async def _run(
    settings: OneProcess,
    gates: tuple[Gate, Gate],
    registries: tuple[CollectorRegistry, CollectorRegistry],
    learning: _Learning,
    when_served: Callable[[Content], None],
) -> None:
    """Both sides behind their gates, the webhook's first."""
    ingest, stopping, registry = settings.ingest, stop_signals(), registries[0]
    gauges = StreamGauges(registry)
    stream = InMemoryRawBatchStream(max_entries=ingest.memory_max_entries, clock_ms=clock_ms)
    contents = open_content_store(settings)
    shown = await contents.sample(limit=1, seed=0, where=ContentFilter(now_ms=clock_ms()))
    if not shown:
        raise ConfigError("the catalogue has no item to show: all are hidden or out of their time")
    stores = _stores(settings, stream)
    metrics = WorkerMetrics(registry, gauges)
    heartbeats = Heartbeats(clock_s=monotonic, stalled_after_s=settings.worker.stalled_after_s)
    parts = ingest_parts(settings, stores, contents, metrics, heartbeats, learning.record_events)
    backpressure = Backpressure(stream, ingest.high_water, gauges, clock_ms)
    observer = queue_observer(settings, stream, stores, metrics)
    doors = WebhookDoors(gates[0], ingest.api_key_header)
    webhook = Webhook(stream, backpressure, ingest, doors, WebhookMetrics(registry, gauges))
    views = LatestViews(stores.popularity)
    collective = LiveCollective()
    sources = Sources(
        models=stores.models,
        patient_models=stores.models,
        contents=contents,
        events=person_events(settings, stores),
        views=views.counts,
        collective=collective.current,
        policies=learning.policies,
        record=learning.record,
        replays=answer_replays(settings),
        shadows=ShadowMetrics(registries[1]),
    )
    serve = serve_app(settings, settings.serve, gates[1], sources, registries[1])
    counting = _counting(settings, stores, contents, collective, registry)
    erasing = erasing_door(settings, stores, doors)
    webhook_side = webhook_app(webhook, erasing, ingest, gates[0].policy, registry)
    servers = ((webhook_side, ingest), (serve, settings.serve))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(backpressure.run(stopping))
        tasks.create_task(observer.run(stopping))
        consuming = tasks.create_task(
            _consume(stream, parts.handler, settings.worker.batch_entries)
        )
        tasks.create_task(parts.refresher.run(stopping))
        endless = [consuming, *(tasks.create_task(one.run()) for one in (counting, views))]
        for app, where in servers:
            opened: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            tasks.create_task(
                serve_http(
                    app,
                    where.host,
                    where.port,
                    stopping,
                    opened.set_result,
                    limits=settings.http,
                )
            )
            await opened
        when_served(shown[0])
        await stopping.wait()
        for task in endless:
            task.cancel()


def _counting(
    settings: OneProcess,
    stores: Stores,
    contents: ContentStore,
    collective: LiveCollective,
    registry: CollectorRegistry,
) -> PopularityCounting:
    """What counts views, and shows in the worker's numbers that it does."""
    report = CountingReport()
    registry.register(CountingCollector(report))
    return popularity_counting(settings, stores, lambda: contents, report, collective)


def _stores(settings: OneProcess, stream: InMemoryRawBatchStream) -> Stores:
    graph = InMemoryIdentityGraph(settings.identity, clock_ms=clock_ms)
    return Stores(
        graph=graph,
        buffer=InMemoryEventBuffer(
            window_ms=settings.model.window_ms, max_events=settings.max_events_per_user
        ),
        queue=InMemoryDueQueue(settings.worker.debounce),
        dead_letters=InMemoryDeadLetters(
            max_letters=settings.worker.max_dead_letters,
            max_bytes=settings.worker.max_dead_letter_bytes,
            clock_ms=clock_ms,
        ),
        models=InMemoryUserModelStore(
            ttl_s=settings.model_ttl_s,
            clock_s=monotonic,
            graph=graph,
            identity=settings.identity,
        ),
        popularity=InMemoryPopularityStore(ttl_s=POPULARITY_TTL_S, clock_s=monotonic),
        tombstones=InMemoryTombstones(
            key=settings.tombstone_hash_key or secrets.token_bytes(),
            window_ms=settings.model.window_ms,
            clock_ms=clock_ms,
        ),
        batches=stream,
        log=person_log(settings),
    )


async def _consume(stream: InMemoryRawBatchStream, handler: BatchHandler, limit: int) -> None:
    """The FastStream consumer's part: the same handler, fed from the memory stream."""
    while True:
        batches = await stream.read(limit=limit)
        try:
            await handler.handle(batches)
        except Exception:
            _log.exception(BATCH_FAILED, entries=len(batches))
