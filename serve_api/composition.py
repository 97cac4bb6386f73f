"""Wires the serve side: the only module here that knows the adapters."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from adapters.addresses import redis_address
from adapters.documentation.pages import OPENAPI, expose_documentation, release
from adapters.exposition import METRICS, expose_metrics
from adapters.http_security import SecuredApp
from adapters.keys.opening import opened_gate
from adapters.live_collective import live_collective
from adapters.live_contents import live_contents
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.popularity import InMemoryPopularityStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.open_log import answer_replays
from adapters.plans.toml import read_plan
from adapters.process import clock_ms, serve_http, stop_signals
from adapters.rankers.metrics import ShadowMetrics
from adapters.rankers.opening import opened_policies
from adapters.settings import SharedSettings, read_settings
from adapters.standby import standby_of
from adapters.telling import answers_told
from core.config import CandidateConfig
from core.content import ContentFilter
from core.http.access import AccessPolicy
from core.http.gate import Gate
from core.http.openapi import ApiDocument, ServiceInfo
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.log_names import MODELS_MISSED, SERVE_CLOSED, SERVE_OPENED
from core.modelling.build import ModelBasis
from core.popularity.store import PopularityStore
from core.popularity.stored import POPULARITY_TTL_S
from core.ports import ContentStore, EventSource, UserModelStore
from core.standby import Standby
from serve_api.api import ServeApi
from serve_api.guard import BreakerGuard
from serve_api.guarded_models import GuardedModels
from serve_api.latest_views import LatestViews
from serve_api.metrics import ServeMetrics
from serve_api.settings import RIGHTS, ServeSettings
from serve_api.sources import Sources

if TYPE_CHECKING:
    from adapters.redis.connection import Client

_MODELS_WAIT_S = 0.25
"""Within a probe's second a cluster's client gets past nodes that hang."""
_CONNECTIONS = 10
_MODELS_CONNECTIONS = 250
"""A read that waits for a connection would take our own load for an outage."""

_log = structlog.get_logger()


class ServeProcess(SharedSettings, frozen=True, kw_only=True):
    """All settings of the read API."""

    serve: ServeSettings = ServeSettings()

    def __post_init__(self) -> None:
        """A key that is asked for must exist. Raises: ValueError."""
        self.serve.access(keys_file=self.keys_file)


def serve_settings(environ: Mapping[str, str]) -> ServeProcess:
    """Read the settings. Raises: ConfigError naming every bad variable."""
    return read_settings(ServeProcess, environ)


async def run_serve(settings: ServeProcess) -> None:
    """The read API's process."""
    registry = CollectorRegistry()
    async with (
        serve_gate(settings, settings.serve, registry) as gate,
        _sources(settings, registry) as sources,
    ):
        app = serve_app(settings, settings.serve, gate, sources, registry)
        own, stopping = settings.serve, stop_signals()
        await serve_http(app, own.host, own.port, stopping, limits=settings.http)


def serve_gate(
    shared: SharedSettings, serve: ServeSettings, registry: CollectorRegistry
) -> AbstractAsyncContextManager[Gate]:
    """Who is let in. Raises: ConfigError where KEYS_FILE cannot be used."""
    policy = serve.access(keys_file=shared.keys_file)
    _warn_without_keys(policy)
    return opened_gate(shared, policy, serve.keys, RIGHTS, registry)


def serve_app(
    shared: SharedSettings,
    serve: ServeSettings,
    gate: Gate,
    sources: Sources,
    registry: CollectorRegistry,
) -> SecuredApp:
    """Wire the API over whichever adapters."""
    api = ServeApi(
        sources,
        model_basis(shared),
        half_life_days=shared.popularity.half_life_days,
        settings=serve,
        gate=gate,
        clock_ms=clock_ms,
        metrics=ServeMetrics(registry),
    )
    document = ApiDocument(_info(), [*api.operations, METRICS, OPENAPI], gate.policy)
    app = expose_documentation(expose_metrics(api.app(), registry), document)
    return SecuredApp(app, serve.cors_origins)


def model_basis(shared: SharedSettings) -> ModelBasis:
    """What models and answers are made by. Raises: ConfigError where there is no such plan."""
    return ModelBasis.of(read_plan(shared.event_plan), shared.model)


def _info() -> ServiceInfo:
    return ServiceInfo(
        title="ai-engine read API",
        version=release(),
        description="Recommendations from the visitors' models, each explained by its parts.",
        key_variable="SERVE_API_KEY",
    )


def _warn_without_keys(access: AccessPolicy) -> None:
    """Say loudly who may ask what is known about visitors: this machine, or nobody."""
    if access.has_keys:
        return
    if access.is_local:
        _log.warning(SERVE_OPENED, hint="set SERVE_API_KEY to ask for a key")
    else:
        _log.warning(SERVE_CLOSED, hint="set SERVE_API_KEY to let those in who have one")


@asynccontextmanager
async def _sources(settings: ServeProcess, registry: CollectorRegistry) -> AsyncIterator[Sources]:
    """By the settings: Redis or the memory of this process, a snapshot or Qdrant."""
    async with (
        _client(settings, timeout_s=settings.redis_timeout_s, connections=_CONNECTIONS) as client,
        live_contents(settings, client, registry) as contents,
        _models(settings) as models,
        _standby(settings, contents) as standby,
        latest_views(_popularity(client)) as views,
        live_collective(settings, client, registry, contents) as collective,
        answers_told(settings, registry) as record,
        opened_policies(settings, model_basis(settings).config_version, registry) as policies,
    ):
        yield Sources(
            models=models,
            patient_models=_patient_models(settings, client, models),
            contents=contents,
            events=_events(settings, client),
            views=views.counts,
            collective=collective,
            record=record,
            replays=answer_replays(settings),
            standby=standby,
            policies=policies,
            shadows=ShadowMetrics(registry),
        )


@asynccontextmanager
async def latest_views(store: PopularityStore) -> AsyncIterator[LatestViews]:
    """The counts of views, kept as new as those in the store."""
    views = LatestViews(store)
    task = asyncio.create_task(views.run())
    try:
        yield views
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _client(
    settings: ServeProcess, *, timeout_s: float, connections: int
) -> "AsyncIterator[Client | None]":
    if not settings.redis_url:
        yield None
        return
    # Imported here: an API without Redis does not pay for its driver.
    from adapters.redis.connection import connect  # noqa: PLC0415

    client = connect(
        redis_address(settings),
        timeout_s=timeout_s,
        cluster=settings.redis_cluster,
        connections=connections,
    )
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def _models(settings: ServeProcess) -> AsyncIterator[UserModelStore]:
    # A client of its own: its waits are short, and no snapshot is fetched over it.
    wait_s = min(settings.redis_timeout_s, _MODELS_WAIT_S)
    async with _client(settings, timeout_s=wait_s, connections=_MODELS_CONNECTIONS) as client:
        if client is None:
            _log.warning(MODELS_MISSED, hint="set REDIS_URL to serve the workers' models")
            yield InMemoryUserModelStore(ttl_s=settings.model_ttl_s, clock_s=monotonic)
            return
        from adapters.redis.user_models import RedisUserModelStore  # noqa: PLC0415

        models = RedisUserModelStore(client, ttl_s=settings.model_ttl_s, identity=settings.identity)
        async with BreakerGuard(
            "models",
            lambda: models.get_signals("readiness-probe"),
            timeout_s=settings.serve.models_timeout_ms / 1000,
            repeats=True,
        ) as guard:
            yield GuardedModels(models, guard)


@asynccontextmanager
async def _standby(settings: ServeProcess, contents: ContentStore) -> AsyncIterator[Standby | None]:
    """What stands in for a catalogue that is asked at every answer."""
    if settings.content_serving != "qdrant":
        yield None
        return
    async with (
        standby_of(contents) as kept,
        BreakerGuard(
            "contents",
            lambda: _as_a_stranger_asks(contents.edition(), settings.ranking.candidates),
            timeout_s=settings.serve.contents_timeout_ms / 1000,
        ) as guard,
    ):
        yield Standby(contents=kept, guard=guard)


async def _as_a_stranger_asks(contents: ContentStore, limits: CandidateConfig) -> None:
    """The searches of a cold answer: where they are in time, requests are asked again."""
    anything = ContentFilter()
    await contents.sample(limit=limits.sample, seed=0, where=anything)
    await contents.search_popular(limit=limits.popular, where=anything)
    await contents.pinned(where=anything)


def _popularity(client: "Client | None") -> PopularityStore:
    if client is None:
        return InMemoryPopularityStore(ttl_s=POPULARITY_TTL_S, clock_s=monotonic)
    from adapters.redis.popularity import RedisPopularityStore  # noqa: PLC0415

    return RedisPopularityStore(client, ttl_s=POPULARITY_TTL_S)


def _patient_models(
    settings: ServeProcess, client: "Client | None", models: UserModelStore
) -> UserModelStore:
    """The same models without a guard: many are read at once, and a list without any is no use."""
    if client is None:
        return models
    from adapters.redis.user_models import RedisUserModelStore  # noqa: PLC0415

    return RedisUserModelStore(client, ttl_s=settings.model_ttl_s, identity=settings.identity)


def _events(settings: ServeProcess, client: "Client | None") -> EventSource:
    window_ms, most = settings.model.window_ms, settings.max_events_per_user
    if client is None:
        return InMemoryEventBuffer(window_ms=window_ms, max_events=most)
    from adapters.redis.event_buffer import RedisEventBuffer  # noqa: PLC0415
    from adapters.redis.identity_graph import RedisIdentityGraph  # noqa: PLC0415

    buffer = RedisEventBuffer(
        client, window_ms=window_ms, max_events=most, model_ttl_s=settings.model_ttl_s
    )
    people = People(RedisIdentityGraph(client, settings.identity), settings.identity)
    return PersonEvents(buffer, people, settings.identity, max_events=most)
