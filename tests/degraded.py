"""A read API in this process over real servers, asked under load while these are harmed."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import median, quantiles
from typing import Any

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from adapters.live_contents import live_contents
from adapters.memory.event_buffer import FakeEventSource
from core.ports import ContentStore
from core.standby import Standby
from serve_api.composition import ServeProcess, _models, _standby, serve_app
from serve_api.sources import Sources
from tests.gates import serve_gate_of

_URL = "/api/recommend"
_AT_ONCE = 4
_PAUSE_S = 0.002

_log = logging.getLogger(__name__)  # pytest --log-cli-level=info shows the figures


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, and how long it took. Units: seconds."""

    user: str
    status: int
    degraded: list[str] = []
    strategy: str = ""
    revision: int | None = None
    """Of the model behind it."""
    ids: list[str] = []
    seconds: float


class Asked:
    """Asks for recommendations, some at once."""

    def __init__(
        self, client: httpx.AsyncClient, users: Sequence[str], standby: Standby | None
    ) -> None:
        self.client = client
        self.standby = standby
        self._users = users

    async def reply(self, user: str, **parameters: Any) -> Reply:
        """One answer."""
        began = time.perf_counter()
        answer = await self.client.get(_URL, params={"user_id": user, **parameters})
        seconds = time.perf_counter() - began
        if answer.status_code != httpx.codes.OK:
            return Reply(user=user, status=answer.status_code, seconds=seconds)
        said = answer.json()
        return Reply(
            user=user,
            status=answer.status_code,
            degraded=said["degraded"],
            strategy=said["strategy"],
            revision=said["diagnostics"]["model_revision"],
            ids=[item["content_id"] for item in said["items"]],
            seconds=seconds,
        )

    async def many(self, number: int) -> list[Reply]:
        """Answers to so many requests."""
        waiting = iter([self._users[one % len(self._users)] for one in range(number)])

        async def ask() -> list[Reply]:
            replies = []
            for user in waiting:
                replies.append(await self.reply(user))
                await asyncio.sleep(_PAUSE_S)  # in one process it is the others' turn only then
            return replies

        return [
            one for some in await asyncio.gather(*(ask() for _ in range(_AT_ONCE))) for one in some
        ]

    async def recover(self, within_s: float) -> None:
        """Wait until answers do without nothing. Raises: TimeoutError."""
        began = time.perf_counter()
        async with asyncio.timeout(within_s):
            while (found := await self.reply(self._users[0])).degraded:
                assert found.status == 200
                await asyncio.sleep(0.01)
        _log.info("recovered after %.3f s", time.perf_counter() - began)


@asynccontextmanager
async def reading(
    settings: ServeProcess,
    users: Sequence[str],
    contents: ContentStore | None = None,
) -> AsyncIterator[Asked]:
    """The read API as its process wires it, over `contents` or those of the settings."""
    registry = CollectorRegistry()
    async with (
        _models(settings) as models,
        _given(contents) if contents else live_contents(settings, None, registry) as store,
        _standby(settings, store) as standby,
    ):
        sources = Sources(
            models=models,
            patient_models=models,
            contents=store,
            events=FakeEventSource(()),
            views=lambda: None,
            standby=standby,
        )
        app = serve_app(settings, settings.serve, serve_gate_of(settings.serve), sources, registry)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Asked(client, users, standby)


@asynccontextmanager
async def _given(contents: ContentStore) -> AsyncIterator[ContentStore]:
    yield contents


def require_quick(during: Sequence[Reply], usual: Sequence[Reply]) -> None:
    """Fail where answers take longer than usual: by the 50 ms of the promise, or few."""
    took = [[1000 * one.seconds for one in replies] for replies in (usual, during)]
    (usual_ms, usual_95), (ms, ms_95) = [(median(one), quantiles(one, n=20)[-1]) for one in took]
    found = f"median {usual_ms:.1f} -> {ms:.1f} ms, 95 % {usual_95:.1f} -> {ms_95:.1f} ms"
    found += f", slowest {max(took[0]):.1f} -> {max(took[1]):.1f} ms"
    _log.info(found)
    assert ms <= usual_ms + 15, f"most do not wait at all: {found}"
    assert ms_95 <= usual_95 + 50, found
    assert max(took[1]) <= max(took[0]) + 200, f"on a busy machine, too: {found}"
