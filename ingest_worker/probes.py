"""The worker's own port: whether it lives and whether it is ready."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.queues import RawBatchStream
from ingest_worker.heartbeats import Heartbeats


class Consumer(Protocol):
    """What reads a shard."""

    @property
    def is_running(self) -> bool:
        """Whether entries are being read or handled."""
        ...


class WorkerProbes:
    """Liveness by what really runs, readiness by what the work depends on."""

    def __init__(
        self,
        heartbeats: Heartbeats,
        consumers: Sequence[Consumer],
        stream: RawBatchStream,
    ) -> None:
        """Keep what is asked."""
        self._heartbeats = heartbeats
        self._consumers = consumers
        self._stream = stream

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(routes=[Route("/healthz", self._alive), Route("/readyz", self._ready)])

    async def _alive(self, _: Request) -> Response:
        """503 where a loop has stopped: a worker that cannot be mended but by a new start.

        Redis away is no reason: its loops go on trying.
        """
        if stalled := self._heartbeats.stalled():
            return _json(503, {"status": "stalled", "loops": stalled})
        return _json(200, {"status": "alive"})

    async def _ready(self, _: Request) -> Response:
        try:
            await self._stream.ping()
        except RetryableError as exc:
            return _json(503, {"status": "waiting", "reason": str(exc)})
        if not all(consumer.is_running for consumer in self._consumers):
            return _json(503, {"status": "waiting", "reason": "not every shard is being read"})
        return _json(200, {"status": "ready"})


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
