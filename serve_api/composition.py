"""Wires the serve side: the only module here that knows the adapters."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from adapters.contents import open_content_store
from adapters.exposition import expose_metrics
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.plans.toml import read_plan
from adapters.process import clock_ms, serve_http, stop_signals
from adapters.settings import SharedSettings, read_settings
from core.log_names import MODELS_MISSED
from core.modelling.build import ModelBasis
from core.ports import ContentStore, UserModelStore
from core.recommender import Recommender
from serve_api.api import ServeApi
from serve_api.metrics import ServeMetrics
from serve_api.settings import ServeSettings

_log = structlog.get_logger()


class ServeProcess(SharedSettings, frozen=True, kw_only=True):
    """All settings of the read API."""

    serve: ServeSettings = ServeSettings()


def serve_settings(environ: Mapping[str, str]) -> ServeProcess:
    """Read the settings. Raises: ConfigError naming every bad variable."""
    return read_settings(ServeProcess, environ)


async def run_serve(settings: ServeProcess) -> None:
    """The read API's process."""
    async with _models(settings) as models:
        contents = open_content_store(settings)
        app = serve_app(settings, settings.serve, models=models, contents=contents)
        await serve_http(app, settings.serve.host, settings.serve.port, stop_signals())


def serve_app(
    shared: SharedSettings, serve: ServeSettings, *, models: UserModelStore, contents: ContentStore
) -> Starlette:
    """Wire the API over whichever adapters."""
    basis = ModelBasis.of(read_plan(shared.event_plan), shared.model)
    registry = CollectorRegistry()
    api = ServeApi(
        recommender=Recommender(models, contents, shared.ranking, basis.config_version),
        models=models,
        settings=serve,
        clock_ms=clock_ms,
        metrics=ServeMetrics(registry),
    )
    return expose_metrics(api.app(), registry)


@asynccontextmanager
async def _models(settings: ServeProcess) -> AsyncIterator[UserModelStore]:
    if not settings.redis_url:
        _log.warning(MODELS_MISSED, hint="set REDIS_URL to serve the workers' models")
        yield InMemoryUserModelStore(ttl_s=settings.model_ttl_s, clock_s=monotonic)
        return
    # Imported here: an API without Redis does not pay for its driver.
    from adapters.redis.connection import connect  # noqa: PLC0415
    from adapters.redis.user_models import RedisUserModelStore  # noqa: PLC0415

    client = connect(
        settings.redis_url, timeout_s=settings.redis_timeout_s, cluster=settings.redis_cluster
    )
    try:
        yield RedisUserModelStore(client, ttl_s=settings.model_ttl_s)
    finally:
        await client.aclose()
