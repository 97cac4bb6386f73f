"""The read API: answers from the materialized models and never writes."""

from collections.abc import Callable, Sequence
from time import monotonic

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.http.common import with_common_answers
from core.http.operation import Documented, Operation
from core.http.problems import PROBLEM_MEDIA_TYPE, Problem
from core.log_names import ANSWER_FAILED
from core.ports import ContentStore, UserModelStore
from core.recommender import Recommender
from serve_api.doors import Doors
from serve_api.endpoint import Endpoint
from serve_api.endpoints.recommend import RecommendEndpoint
from serve_api.endpoints.similar import SimilarEndpoint
from serve_api.endpoints.usermodel import UserModelEndpoint
from serve_api.endpoints.why import WhyEndpoint
from serve_api.metrics import ServeMetrics
from serve_api.responses import on_bug, on_http_exception, try_later
from serve_api.routing import Router
from serve_api.settings import ServeSettings

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
        self._models = models
        self._contents = contents
        self._settings = settings
        self._router = Router(settings, Doors(settings, monotonic), metrics, clock_ms)
        self._endpoints: Sequence[Endpoint] = (
            RecommendEndpoint(recommender, metrics, settings.max_limit),
            SimilarEndpoint(recommender, contents, settings.max_limit),
            WhyEndpoint(recommender, settings.max_limit),
            UserModelEndpoint(models),
        )

    @property
    def operations(self) -> Sequence[Operation]:
        """What the API takes and answers, by its settings."""
        is_limited = self._settings.rate_per_minute > 0
        return [
            with_common_answers(one, self._settings.access, is_limited=is_limited)
            for one in (*(endpoint.operation for endpoint in self._endpoints), *_PROBES)
        ]

    def app(self) -> Starlette:
        """The ASGI application."""
        app = Starlette(
            routes=[
                *self._router.routes(self._endpoints),
                Route("/healthz", _healthy),
                Route("/readyz", self._ready),
            ],
            exception_handlers={HTTPException: on_http_exception, Exception: on_bug},
        )
        # There is one address of everything, and another is a 404.
        app.router.redirect_slashes = False
        return app

    async def _ready(self, _: Request) -> Response:
        try:
            self._contents.edition()
            await self._models.get_signals("readiness-probe")
        except RetryableError as exc:
            _log.warning(ANSWER_FAILED, path="/readyz", error=str(exc))
            return try_later(str(exc))
        return _json({"status": "ready"})


_STATUS = Documented(description="It is.", body=dict[str, str])
_NOT_READY = Documented(
    description="They will not.",
    body=Problem,
    media_type=PROBLEM_MEDIA_TYPE,
    headers={"Retry-After": "After how many seconds to ask again."},
)
_PROBES = (
    Operation(
        name="healthz",
        path="/healthz",
        summary="Whether the process is alive",
        group="Probes",
        answers={200: _STATUS},
    ),
    Operation(
        name="readyz",
        path="/readyz",
        summary="Whether requests will be answered",
        group="Probes",
        answers={200: _STATUS, 503: _NOT_READY},
    ),
)


async def _healthy(_: Request) -> Response:
    return _json({"status": "alive"})


def _json(content: object) -> Response:
    return Response(
        msgspec.json.encode(content),
        headers={"Cache-Control": "no-store"},
        media_type="application/json",
    )
