"""The worker's own port: whether it lives, whether it is ready, what it has counted."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.log_names import OBSERVING_FAILED
from core.ports import DeadLetters, DueQueue, RawBatchStream
from ingest_worker.consumer import StreamConsumer
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.metrics import WorkerMetrics
from ingest_worker.pacing import pause

_log = structlog.get_logger()


class WorkerProbes:
    """Liveness by what really runs, readiness by what the work depends on."""

    def __init__(
        self,
        heartbeats: Heartbeats,
        consumers: Sequence[StreamConsumer],
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


class Observer:
    """Looks at the queues beside the work, so that a scrape costs Redis nothing."""

    def __init__(
        self,
        *,
        stream: RawBatchStream,
        queue: DueQueue,
        dead_letters: DeadLetters,
        metrics: WorkerMetrics,
        clock_ms: Callable[[], int],
        every_ms: int,
    ) -> None:
        """Keep what is looked at."""
        self._stream = stream
        self._queue = queue
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._every_s = every_ms / 1000

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stopping.is_set():
            try:
                await self.look()
            except RetryableError as exc:
                _log.warning(OBSERVING_FAILED, error=str(exc))
            await pause(stopping, self._every_s)

    async def look(self) -> None:
        """Look once."""
        self._metrics.stream.show(await self._stream.shards(), now_ms=self._clock_ms())
        self._metrics.show(await self._queue.depth(), await self._dead_letters.count())


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
