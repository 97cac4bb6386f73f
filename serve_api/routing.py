"""From a request to an endpoint's answer: let in, read, answer in time, encode, or a problem."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import NoCatalogueError, RetryableError
from core.http.bodies import BodyReader
from core.http.operation import Operation
from core.http.problems import ProblemError
from core.http.reading import ParameterReader
from core.log_names import ANSWER_FAILED
from serve_api.bodies import receive_json
from serve_api.doors import Doors
from serve_api.endpoint import Call, Endpoint
from serve_api.metrics import ServeMetrics
from serve_api.responses import answer_response, problem_response, try_later
from serve_api.settings import ServeSettings

Handler = Callable[[Request], Awaitable[Response]]

_LAST_PARAMETER = re.compile(r"\{(\w+)\}$")
"""Ids have slashes in them, and a server decodes `%2F` before it looks for a route."""

_log = structlog.get_logger()


class Router:
    """Makes the routes of endpoints."""

    def __init__(
        self,
        settings: ServeSettings,
        doors: Doors,
        metrics: ServeMetrics,
        clock_ms: Callable[[], int],
    ) -> None:
        """Keep what all of them share."""
        self._settings = settings
        self._doors = doors
        self._metrics = metrics
        self._clock_ms = clock_ms

    def routes(self, endpoints: Sequence[Endpoint]) -> Iterator[Route]:
        """One route a path, so that a method too many is told all that there are."""
        by_path: dict[str, dict[str, Handler]] = {}
        for one in endpoints:
            handlers = by_path.setdefault(one.operation.path, {})
            handlers[one.operation.method] = self._handler(one)
        for declared, handlers in by_path.items():
            path = _LAST_PARAMETER.sub(r"{\1:path}", declared)
            yield Route(path, _dispatch(handlers), methods=[*handlers, "OPTIONS"])

    def _handler(self, endpoint: Endpoint) -> Handler:
        """Answers for an endpoint, counted and timed under its name."""
        operation = endpoint.operation
        seconds = self._metrics.seconds.labels(operation.name)
        answers = self._metrics.answers
        reader = _RequestReader(operation, self._settings.max_body_bytes)

        async def answer(request: Request) -> Response:
            with seconds.time():
                response = await self._answer(endpoint, reader, request)
            answers.labels(operation.name, str(response.status_code)).inc()
            return response

        return answer

    async def _answer(
        self, endpoint: Endpoint, reader: "_RequestReader", request: Request
    ) -> Response:
        """The answer, or the problem document that says why there is none."""
        headers: Mapping[str, str] = {}
        access = endpoint.operation.access
        try:
            headers = self._doors.admit(access, request)
            async with asyncio.timeout(endpoint.operation.timeout_s or self._settings.timeout_s):
                parameters, body = await reader.read(request)
                call: Call[Any, Any] = Call(
                    parameters=parameters, body=body, now_ms=self._clock_ms()
                )
                answer = await endpoint.answer(call)
            response = answer_response(answer, request, is_personal=access == "personal")
        except ProblemError as exc:
            response = problem_response(exc)
        except NoCatalogueError as exc:
            response = try_later(str(exc))
        except (RetryableError, TimeoutError) as exc:
            _log.warning(ANSWER_FAILED, path=endpoint.operation.path, error=str(exc) or "time-out")
            response = try_later("what the answer is made from is away")
        if headers:
            response.headers.update(headers)
        return response


class _RequestReader:
    """Reads what an operation takes."""

    def __init__(self, operation: Operation, max_body_bytes: int) -> None:
        kind, body = operation.parameters, operation.body
        self._parameters = None if kind is None else ParameterReader(kind)
        self._body = None if body is None else BodyReader(body)
        self._max_body_bytes = max_body_bytes

    async def read(self, request: Request) -> tuple[Any, Any]:
        """Parameters and body. Raises: ProblemError."""
        parameters = body = None
        if self._parameters is not None:
            parameters = self._parameters.read(_pairs(request))
        if self._body is not None:
            body = self._body.read(await receive_json(request, self._max_body_bytes))
        return parameters, body


def _dispatch(handlers: Mapping[str, Handler]) -> Handler:
    """HEAD is answered as GET, and the server sends no body to it; OPTIONS says what there is."""
    by_method = {**handlers, "OPTIONS": _options(handlers)}
    if "GET" in handlers:
        by_method["HEAD"] = handlers["GET"]

    async def answer(request: Request) -> Response:
        return await by_method[request.method](request)

    return answer


def _options(methods: Iterable[str]) -> Handler:
    implied = {"OPTIONS", "HEAD"} if "GET" in methods else {"OPTIONS"}
    allow = ", ".join(sorted(implied.union(methods)))

    async def answer(_: Request) -> Response:
        return Response(status_code=204, headers={"Allow": allow, "Cache-Control": "no-store"})

    return answer


def _pairs(request: Request) -> Iterable[tuple[str, str]]:
    yield from request.path_params.items()
    yield from request.query_params.multi_items()
