"""Both services in this process, over stores in its memory."""

import asyncio
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from adapters.http_security import SecuredApp
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.stream import InMemoryRawBatchStream
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.ports import ContentStore, UserModelStore
from ingest_worker.backpressure import Backpressure
from ingest_worker.composition import webhook_app
from ingest_worker.metrics import StreamGauges, WebhookMetrics
from ingest_worker.settings import IngestSettings
from ingest_worker.webhook import Webhook
from serve_api.composition import serve_app
from serve_api.settings import ServeSettings
from tests.build import read, signals_of, themed_catalogue

KEY = "a-key"
VISITORS = ("ada", "0", "false")
"""Those whom examples name, and whom generated requests hit by themselves."""


def read_api(
    *,
    models: UserModelStore | None = None,
    contents: ContentStore | None = None,
    **settings: Any,
) -> SecuredApp:
    """The read API over a small catalogue, with the models of a few visitors."""
    return serve_app(
        SharedSettings(),
        ServeSettings(**settings),
        models=models or known_visitors(),
        contents=contents or catalogue(),
        registry=CollectorRegistry(),
    )


def catalogue() -> InMemoryContentStore:
    """Thirty items of five themes."""
    return themed_catalogue()


def known_visitors() -> InMemoryUserModelStore:
    """Models of visitors who read two items."""
    models = InMemoryUserModelStore(ttl_s=3600, clock_s=lambda: 0.0)
    signals = signals_of(read("hiding-0", 20), read("music-1", 20))
    saved = [msgspec.structs.replace(signals, user_id=user_id) for user_id in VISITORS]
    assert all(asyncio.run(models.save_signals(saved)))
    return models


def webhook(**settings: Any) -> SecuredApp:
    """The webhook over a stream that nobody reads."""
    ingest, registry = IngestSettings(**settings), CollectorRegistry()
    gauges = StreamGauges(registry)
    stream = InMemoryRawBatchStream(max_entries=ingest.memory_max_entries, clock_ms=clock_ms)
    backpressure = Backpressure(stream, ingest.high_water, gauges, clock_ms)
    door = Webhook(stream, backpressure, ingest, WebhookMetrics(registry, gauges))
    return webhook_app(door, ingest, registry)
