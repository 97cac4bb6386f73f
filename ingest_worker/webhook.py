"""The webhook: checks that a body is JSON, stores it as it is, and answers 200.

Nothing is judged here that a later look could save: RudderStack drops a whole
batch on any 4xx but 408 and 429, and re-sends it on a 5xx.
"""

import asyncio
from collections.abc import Sequence

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.http.lengths import claimed_length
from core.log_names import REQUEST_DEFERRED
from core.normalizing.body import NotJsonError, TooManyEventsError, count_events
from core.queues import RawBatchStream
from ingest_worker.answers import Answer, refuse, refused_by, try_later
from ingest_worker.backpressure import Backpressure
from ingest_worker.body import BadEncodingError, BodyTooLargeError, read_body
from ingest_worker.doors import WebhookDoors
from ingest_worker.messages import Accepted, Alive, Ready
from ingest_worker.metrics import WebhookMetrics
from ingest_worker.paths import CALLS, ingest_paths
from ingest_worker.settings import IngestSettings

_METHODS = ["POST", "PUT", "PATCH"]
_LARGE_BYTES = 256 * 1024
"""From here on the worst of bodies takes longer to count than a request should wait."""

_log = structlog.get_logger()


class Webhook:
    """The routes that RudderStack and its SDKs post to."""

    def __init__(
        self,
        stream: RawBatchStream,
        backpressure: Backpressure,
        settings: IngestSettings,
        doors: WebhookDoors,
        metrics: WebhookMetrics,
    ) -> None:
        """Keep where bodies go and the limits they must keep."""
        self._metrics = metrics
        self._stream = stream
        self._backpressure = backpressure
        self._settings = settings
        self._doors = doors

    def app(self, more: Sequence[Route] = ()) -> Starlette:
        """The ASGI application; `more` are routes beside its own."""
        app = Starlette(
            routes=[
                *(Route(path, self._ingest, methods=_METHODS) for path in ingest_paths()),
                Route("/healthz", _healthy),
                Route("/readyz", self._ready),
                *more,
            ],
            exception_handlers={HTTPException: _on_http_exception},
        )
        # RudderStack drops a batch that is redirected.
        app.router.redirect_slashes = False
        return app

    async def _ingest(self, request: Request) -> Response:
        with self._metrics.seconds.time():
            refused = self._doors.refusal("ingest", request)
            answer = await self._take(request) if refused is None else refused_by(refused)
        self._metrics.requests.labels(answer.outcome).inc()
        return answer

    async def _take(self, request: Request) -> Answer:
        """Read, count and store the body."""
        settings = self._settings
        try:
            self._backpressure.admit()
            async with asyncio.timeout(settings.body_timeout_s):
                claimed = claimed_length(request.headers)
                body = await read_body(request.stream(), settings.max_body_bytes, claimed)
                events = await self._count(body)
                await self._stream.enqueue(body, call_type=_call_type(request.scope["path"]))
        except BodyTooLargeError as exc:
            return refuse(413, "too_large", str(exc))
        except TooManyEventsError as exc:
            return refuse(413, "too_many_events", str(exc))
        except (NotJsonError, BadEncodingError) as exc:
            return refuse(400, "not_json", str(exc))
        except ClientDisconnect:
            return refuse(400, "disconnected", "the sender went away")
        except (RetryableError, TimeoutError) as exc:
            _log.warning(REQUEST_DEFERRED, error=str(exc) or "time-out")
            return try_later("the request was not stored; send it again")
        self._metrics.accepted_events.inc(events)
        return Answer(200, "accepted", Accepted(accepted=events))

    async def _count(self, body: bytes) -> int:
        """Count the events, of a large body beside the loop: others are answered meanwhile."""
        limit = self._settings.max_batch_events
        if len(body) < _LARGE_BYTES:
            return count_events(body, limit=limit)
        return await asyncio.to_thread(count_events, body, limit=limit)

    async def _ready(self, _: Request) -> Response:
        try:
            await self._stream.ping()
        except RetryableError as exc:
            return try_later(str(exc))
        if self._backpressure.is_away:  # it is back: whoever is told so must be admitted
            await self._backpressure.look()
        return Answer(200, "ready", Ready())


async def _healthy(_: Request) -> Response:
    return Answer(200, "alive", Alive())


def _call_type(path: str) -> str | None:
    """`/v1/track` and its like name the type of a bare event."""
    name = path.rstrip("/").rpartition("/")[2]
    return name if name in CALLS else None


async def _on_http_exception(_: Request, exc: Exception) -> Response:
    """An unknown path or method, in the form that the SDKs understand."""
    if not isinstance(exc, HTTPException):
        raise exc
    code = exc.detail.lower().replace(" ", "_")
    answer = refuse(exc.status_code, code, f"{exc.detail}: there is no such path or method")
    answer.headers.update(exc.headers or {})
    return answer
