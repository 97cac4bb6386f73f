"""From a request to an endpoint's answer: read, answer in time, encode; errors become problems."""

import asyncio
import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import NoCatalogueError, RetryableError
from core.http.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemError
from core.http.reading import ParameterReader, read_body
from core.log_names import ANSWER_FAILED
from serve_api.endpoint import Answer, Call, Endpoint
from serve_api.metrics import ServeMetrics
from serve_api.settings import ServeSettings

_RETRY_AFTER_S = "1"
_PRIVATE = "private, no-cache"
"""An answer may be kept by who asked for it, and shown again once we say it is still the same."""

_LAST_PARAMETER = re.compile(r"\{(\w+)\}$")
"""Ids have slashes in them, and a server decodes `%2F` before it looks for a route."""

_log = structlog.get_logger()
_encoder = msgspec.json.Encoder()


class Router:
    """Makes the routes of endpoints."""

    def __init__(
        self, settings: ServeSettings, metrics: ServeMetrics, clock_ms: Callable[[], int]
    ) -> None:
        """Keep what all of them share."""
        self._settings = settings
        self._metrics = metrics
        self._clock_ms = clock_ms

    def route(self, endpoint: Endpoint) -> Route:
        """The route of an endpoint, counted and timed under its name."""
        operation = endpoint.operation
        seconds = self._metrics.seconds.labels(operation.name)
        answers = self._metrics.answers

        async def answer(request: Request) -> Response:
            with seconds.time():
                response = await self._answer(endpoint, reader, request)
            answers.labels(operation.name, str(response.status_code)).inc()
            return response

        reader = None if operation.parameters is None else ParameterReader(operation.parameters)
        path = _LAST_PARAMETER.sub(r"{\1:path}", operation.path)
        return Route(path, answer, methods=[operation.method])

    async def _answer(
        self, endpoint: Endpoint, reader: ParameterReader[Any] | None, request: Request
    ) -> Response:
        """The answer, or the problem document that says why there is none."""
        try:
            async with asyncio.timeout(endpoint.operation.timeout_s or self._settings.timeout_s):
                call = await self._call(endpoint, reader, request)
                return _respond(await endpoint.answer(call), request)
        except ProblemError as exc:
            return problem_response(exc)
        except NoCatalogueError as exc:
            return _try_later(str(exc))
        except (RetryableError, TimeoutError) as exc:
            _log.warning(ANSWER_FAILED, path=request.url.path, error=str(exc) or "time-out")
            return _try_later("what the answer is made from is away")

    async def _call(
        self, endpoint: Endpoint, reader: ParameterReader[Any] | None, request: Request
    ) -> Call[Any, Any]:
        parameters = body = None
        if reader is not None:
            parameters = reader.read(_pairs(request))
        if endpoint.operation.body is not None:
            body = read_body(endpoint.operation.body, await request.body())
        return Call(parameters=parameters, body=body, now_ms=self._clock_ms())


def problem_response(error: ProblemError) -> Response:
    """A problem document."""
    return Response(
        _encoder.encode(error.problem),
        error.problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=error.headers,
    )


async def on_http_exception(_: Request, exc: Exception) -> Response:
    """An unknown path or method, as a problem document too."""
    if not isinstance(exc, HTTPException):
        raise exc
    detail = "there is no such path" if exc.status_code == 404 else exc.detail  # noqa: PLR2004
    return Response(
        _encoder.encode(Problem(title=exc.detail, status=exc.status_code, detail=detail)),
        exc.status_code,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=exc.headers,
    )


def _pairs(request: Request) -> Iterable[tuple[str, str]]:
    yield from request.path_params.items()
    yield from request.query_params.multi_items()


def _respond(answer: Answer, request: Request) -> Response:
    """200 with the content, or 304 where the asker has it already."""
    headers = {"Cache-Control": _PRIVATE} | dict(answer.headers)
    if answer.etag is not None:
        headers["ETag"] = answer.etag
        asked = request.headers.get("if-none-match")
        if asked is not None and (asked == "*" or _bare(answer.etag) in map(_bare, _tags(asked))):
            return Response(status_code=304, headers=headers)
    return Response(
        _encoder.encode(answer.content), 200, headers=headers, media_type="application/json"
    )


def _tags(header: str) -> Iterable[str]:
    return (tag.strip() for tag in header.split(","))


def _bare(etag: str) -> str:
    """Compared weakly, as `If-None-Match` is. Source: RFC 9110, section 13.1.2."""
    return etag.removeprefix("W/")


def _try_later(detail: str) -> Response:
    problem = Problem(title="Try again later", status=503, detail=detail)
    return problem_response(ProblemError(problem, Retry_After=_RETRY_AFTER_S))
