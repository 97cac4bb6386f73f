"""The webhook: checks that a body is JSON, stores it as it is, and answers 200.

Nothing is judged here that a later look could save: RudderStack drops a whole
batch on any 4xx but 408 and 429, and re-sends it on a 5xx.
"""

import asyncio
from collections.abc import Iterator

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.log_names import REQUEST_DEFERRED
from core.normalizing.body import NotJsonError, count_events
from core.ports import RawBatchStream
from ingest_worker.access import IngestKey
from ingest_worker.backpressure import Backpressure
from ingest_worker.body import BadEncodingError, BodyTooLargeError, TooManyEventsError, read_body
from ingest_worker.settings import IngestSettings

_METHODS = ["POST", "PUT", "PATCH"]
_CALLS = ("identify", "track", "page", "screen", "group", "alias", "merge")
_RETRY_AFTER_S = "5"

_log = structlog.get_logger()


class Webhook:
    """The routes that RudderStack and its SDKs post to."""

    def __init__(
        self, stream: RawBatchStream, backpressure: Backpressure, settings: IngestSettings
    ) -> None:
        """Keep where bodies go and the limits they must keep."""
        self._stream = stream
        self._backpressure = backpressure
        self._settings = settings
        self._key = IngestKey(settings.api_key, settings.api_key_header)

    def app(self) -> Starlette:
        """The ASGI application."""
        app = Starlette(
            routes=[
                *(Route(path, self._ingest, methods=_METHODS) for path in _ingest_paths()),
                Route("/healthz", _healthy),
                Route("/readyz", self._ready),
            ]
        )
        # RudderStack drops a batch that is redirected.
        app.router.redirect_slashes = False
        return app

    async def _ingest(self, request: Request) -> Response:
        if not self._key.admits(request.headers):
            refusal = _refuse(401, "unauthorized", "the key is missing or wrong")
            refusal.headers["WWW-Authenticate"] = 'Bearer, Basic realm="ingest"'
            return refusal
        settings = self._settings
        try:
            self._backpressure.admit()
            async with asyncio.timeout(settings.body_timeout_s):
                body = await read_body(request.stream(), settings.max_body_bytes)
                events = count_events(body, limit=settings.max_batch_events)
                _require_at_most(settings.max_batch_events, events)
                await self._stream.enqueue(body, call_type=_call_type(request.scope["path"]))
        except BodyTooLargeError as exc:
            return _refuse(413, exc.code, str(exc))
        except (NotJsonError, BadEncodingError) as exc:
            return _refuse(400, "not_json", str(exc))
        except ClientDisconnect:
            return _refuse(400, "disconnected", "the sender went away")
        except (RetryableError, TimeoutError) as exc:
            _log.warning(REQUEST_DEFERRED, error=str(exc) or "time-out")
            return _try_later("the request was not stored; send it again")
        return _json(200, {"accepted": events})

    async def _ready(self, _: Request) -> Response:
        try:
            await self._stream.ping()
        except RetryableError as exc:
            return _try_later(str(exc))
        return _json(200, {"status": "ready"})


def _ingest_paths() -> Iterator[str]:
    """Where RudderStack and its SDKs post; an SDK adds its path to whatever URL it is given."""
    sdk_paths = ("/v1/batch", *(f"/v1/{call}" for call in _CALLS))
    for path in ("/api/ingest", *sdk_paths, *(f"/api/ingest{path}" for path in sdk_paths)):
        yield path
        yield f"{path}/"


def _require_at_most(limit: int, events: int) -> None:
    if events > limit:
        raise TooManyEventsError(f"the body has {events} events; a request may have {limit}")


async def _healthy(_: Request) -> Response:
    return _json(200, {"status": "alive"})


def _call_type(path: str) -> str | None:
    """`/v1/track` and its like name the type of a bare event."""
    name = path.rstrip("/").rpartition("/")[2]
    return name if name in _CALLS else None


def _refuse(status: int, code: str, message: str) -> Response:
    """`code` and `message` both: the Python SDK re-sends for ever on any other JSON."""
    return _json(status, {"code": code, "message": message})


def _try_later(message: str) -> Response:
    response = _refuse(503, "try_later", message)
    response.headers["Retry-After"] = _RETRY_AFTER_S
    return response


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
