"""Wires the serve side: the only module here that knows the adapters."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from adapters.documentation.pages import OPENAPI, expose_documentation, release
from adapters.exposition import METRICS, expose_metrics
from adapters.http_security import SecuredApp
from adapters.live_contents import live_contents
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.plans.toml import read_plan
from adapters.process import clock_ms, serve_http, stop_signals
from adapters.settings import SharedSettings, read_settings
from core.http.openapi import ApiDocument, ServiceInfo
from core.log_names import MODELS_MISSED, SERVE_CLOSED, SERVE_OPENED
from core.modelling.build import ModelBasis
from core.ports import ContentStore, UserModelStore
from core.recommender import Recommender
from serve_api.api import ServeApi
from serve_api.metrics import ServeMetrics
from serve_api.settings import ServeSettings

if TYPE_CHECKING:
    from adapters.redis.connection import Client

_log = structlog.get_logger()


class ServeProcess(SharedSettings, frozen=True, kw_only=True):
    """All settings of the read API."""

    serve: ServeSettings = ServeSettings()


def serve_settings(environ: Mapping[str, str]) -> ServeProcess:
    """Read the settings. Raises: ConfigError naming every bad variable."""
    return read_settings(ServeProcess, environ)


async def run_serve(settings: ServeProcess) -> None:
    """The read API's process."""
    registry = CollectorRegistry()
    async with (
        _client(settings) as client,
        live_contents(settings, client, registry) as contents,
    ):
        app = serve_app(
            settings,
            settings.serve,
            models=_models(settings, client),
            contents=contents,
            registry=registry,
        )
        await serve_http(app, settings.serve.host, settings.serve.port, stop_signals())


def serve_app(
    shared: SharedSettings,
    serve: ServeSettings,
    *,
    models: UserModelStore,
    contents: ContentStore,
    registry: CollectorRegistry,
) -> SecuredApp:
    """Wire the API over whichever adapters."""
    _warn_without_keys(serve)
    basis = ModelBasis.of(read_plan(shared.event_plan), shared.model)
    api = ServeApi(
        recommender=Recommender(models, contents, shared.ranking, basis.config_version),
        models=models,
        contents=contents,
        settings=serve,
        clock_ms=clock_ms,
        metrics=ServeMetrics(registry),
    )
    document = ApiDocument(_info(), [*api.operations, METRICS, OPENAPI], serve.access)
    app = expose_documentation(expose_metrics(api.app(), registry), document)
    return SecuredApp(app, serve.cors_origins)


def _info() -> ServiceInfo:
    return ServiceInfo(
        title="ai-engine read API",
        version=release(),
        description="Recommendations from the visitors' models, each explained by its parts.",
        key_variable="SERVE_API_KEY",
    )


def _warn_without_keys(serve: ServeSettings) -> None:
    """Say loudly who may ask what is known about visitors: this machine, or nobody."""
    access = serve.access
    if access.has_keys:
        return
    if access.is_local:
        _log.warning(SERVE_OPENED, hint="set SERVE_API_KEY to ask for a key")
    else:
        _log.warning(SERVE_CLOSED, hint="set SERVE_API_KEY to let those in who have one")


@asynccontextmanager
async def _client(settings: ServeProcess) -> "AsyncIterator[Client | None]":
    if not settings.redis_url:
        yield None
        return
    # Imported here: an API without Redis does not pay for its driver.
    from adapters.redis.connection import connect  # noqa: PLC0415

    client = connect(
        settings.redis_url, timeout_s=settings.redis_timeout_s, cluster=settings.redis_cluster
    )
    try:
        yield client
    finally:
        await client.aclose()


def _models(settings: ServeProcess, client: "Client | None") -> UserModelStore:
    if client is None:
        _log.warning(MODELS_MISSED, hint="set REDIS_URL to serve the workers' models")
        return InMemoryUserModelStore(ttl_s=settings.model_ttl_s, clock_s=monotonic)
    from adapters.redis.user_models import RedisUserModelStore  # noqa: PLC0415

    return RedisUserModelStore(client, ttl_s=settings.model_ttl_s)
