"""The read API: answers from the materialized models and never writes."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import NoCatalogueError, RetryableError
from core.log_names import ANSWER_FAILED
from core.ports import ContentStore, UserModelStore
from core.recommender import Recommender
from serve_api.metrics import ServeMetrics
from serve_api.parameters import read_recommend, read_user_id
from serve_api.problems import BadParameterError, bad_parameter, problem
from serve_api.settings import ServeSettings

Endpoint = Callable[[Request], Awaitable[Response]]

_log = structlog.get_logger()


class ServeApi:
    """The routes that an app reads."""

    def __init__(
        self,
        *,
        recommender: Recommender,
        models: UserModelStore,
        contents: ContentStore,
        settings: ServeSettings,
        clock_ms: Callable[[], int],
        metrics: ServeMetrics,
    ) -> None:
        """Keep the parts."""
        self._metrics = metrics
        self._recommender = recommender
        self._models = models
        self._contents = contents
        self._settings = settings
        self._clock_ms = clock_ms

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/api/recommend", self._counted("recommend", self._recommend)),
                Route("/api/usermodel", self._counted("usermodel", self._user_model)),
                Route("/healthz", _healthy),
                Route("/readyz", self._guarded(self._ready)),
            ]
        )

    async def _recommend(self, request: Request) -> Response:
        wanted = read_recommend(request.query_params, self._settings.max_limit)
        now_ms = self._clock_ms()
        answer = await self._recommender.recommend(wanted, request_id=str(uuid4()), now_ms=now_ms)
        self._metrics.recommended(answer, now_ms=now_ms)
        return _json(200, answer)

    async def _user_model(self, request: Request) -> Response:
        signals = await self._models.get_signals(read_user_id(request.query_params))
        if signals is None:
            return problem(404, "No such visitor", "nothing is known about this visitor yet")
        return _json(200, signals.as_json())

    async def _ready(self, _: Request) -> Response:
        self._contents.edition()
        await self._models.get_signals("readiness-probe")
        return _json(200, {"status": "ready"})

    def _counted(self, route: str, endpoint: Endpoint) -> Endpoint:
        """Count and time the answers of a route."""
        guarded, seconds = self._guarded(endpoint), self._metrics.seconds.labels(route)

        async def answer(request: Request) -> Response:
            with seconds.time():
                response = await guarded(request)
            self._metrics.answers.labels(route, str(response.status_code)).inc()
            return response

        return answer

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """Bound the time of an answer and turn errors into problem documents."""

        async def answer(request: Request) -> Response:
            try:
                async with asyncio.timeout(self._settings.timeout_s):
                    return await endpoint(request)
            except BadParameterError as exc:
                return bad_parameter(exc)
            except NoCatalogueError as exc:
                return problem(503, "Try again later", str(exc))
            except (RetryableError, TimeoutError) as exc:
                _log.warning(ANSWER_FAILED, path=request.url.path, error=str(exc) or "time-out")
                return problem(503, "Try again later", "the model store is away")

        return answer


async def _healthy(_: Request) -> Response:
    return _json(200, {"status": "alive"})


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
