"""The port of a worker or a publisher: whether it lives and whether it is ready."""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import NoCatalogueError, RetryableError
from core.ports import ContentStore
from core.queues import RawBatchStream
from ingest_worker.heartbeats import Heartbeats


class Consumer(Protocol):
    """What reads a shard."""

    @property
    def is_running(self) -> bool:
        """Whether entries are being read or handled."""
        ...


class PublisherProbes:
    """Liveness by what really runs, readiness by what the work depends on."""

    def __init__(self, heartbeats: Heartbeats, stream: RawBatchStream) -> None:
        """Keep what is asked; the stream only whether its Redis is there."""
        self._heartbeats = heartbeats
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
        if (reason := self._waits_for()) is not None:
            return _json(503, {"status": "waiting", "reason": reason})
        return _json(200, {"status": "ready"})

    def _waits_for(self) -> str | None:
        """What else is missing."""
        return None


class WorkerProbes(PublisherProbes):
    """A worker depends on its shards being read and on a catalogue, too."""

    def __init__(
        self,
        heartbeats: Heartbeats,
        consumers: Sequence[Consumer],
        stream: RawBatchStream,
        contents: ContentStore,
    ) -> None:
        """Keep what is asked."""
        super().__init__(heartbeats, stream)
        self._consumers = consumers
        self._contents = contents

    def _waits_for(self) -> str | None:
        try:
            self._contents.edition()
        except NoCatalogueError as exc:
            return str(exc)
        running = all(consumer.is_running for consumer in self._consumers)
        return None if running else "not every shard is being read"


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
