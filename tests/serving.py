"""The read API in this process, over in-memory adapters that a test may fill and look into."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import ModelConfig
from core.events import InteractionEvent
from core.modelling.build import ModelBasis
from core.ports import ContentStore, UserModelStore
from core.signals import UserSignals
from core.updater import UserModelUpdater
from serve_api.api import ServeApi
from serve_api.metrics import ServeMetrics
from serve_api.settings import ServeSettings
from serve_api.sources import Sources
from tests.build import NOW_MS, PLAN, WINDOW_MS, themed_catalogue
from tests.gates import serve_gate_of


class Served(msgspec.Struct, frozen=True):
    """A client of the API, and what the API reads from."""

    http: httpx.AsyncClient
    buffer: InMemoryEventBuffer
    models: InMemoryUserModelStore
    contents: ContentStore
    basis: ModelBasis

    async def append(self, *events: InteractionEvent) -> None:
        """Events that are not in any model yet."""
        await self.buffer.append(events, now_ms=NOW_MS)

    async def refresh(self, *user_ids: str) -> None:
        """What the worker does with what was appended."""
        updater = UserModelUpdater(self.buffer, self.models, self.contents, self.basis)
        await updater.refresh(*(user_ids or ("u1",)), now_ms=NOW_MS)

    async def model(self, user_id: str = "u1") -> UserSignals:
        """A model that must be there."""
        found = await self.models.get_signals(user_id)
        assert found is not None
        return found

    async def get(self, path: str, **query: Any) -> Any:
        """The content of an answer that must be there, about `u1` unless the query says whom."""
        answer = await self.http.get(path, params={"user_id": "u1"} | query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        """The content of an answer that must be there."""
        answer = await self.http.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def served(
    *events: InteractionEvent,
    contents: ContentStore | None = None,
    settings: ServeSettings | None = None,
    models: UserModelStore | None = None,
    patient_models: UserModelStore | None = None,
    users: Iterable[str] = ("u1",),
) -> AsyncIterator[Served]:
    """The API as it stands after these events. `models` are read instead of the filled ones."""
    basis = ModelBasis.of(PLAN, ModelConfig())
    catalogue: ContentStore = contents or themed_catalogue()
    buffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=2000)
    filled = InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0)
    read = models or filled
    sources = Sources(
        models=read,
        patient_models=patient_models or read,
        contents=catalogue,
        events=buffer,
        views=lambda: None,
    )
    api = ServeApi(
        sources,
        basis,
        half_life_days=7.0,
        settings=settings or ServeSettings(),
        gate=serve_gate_of(settings or ServeSettings()),
        clock_ms=lambda: NOW_MS,
        metrics=ServeMetrics(CollectorRegistry()),
    )
    transport = httpx.ASGITransport(api.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        one = Served(http, buffer, filled, catalogue, basis)
        await one.append(*events)
        await one.refresh(*users)
        yield one
