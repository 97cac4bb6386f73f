"""The read API: answers from the materialized models and never writes."""

from collections.abc import Callable, Sequence

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.http.operation import Documented, Operation
from core.http.problems import Problem, ProblemError
from core.log_names import ANSWER_FAILED
from core.ports import ContentStore, UserModelStore
from core.recommender import Recommender
from serve_api.endpoint import Endpoint
from serve_api.endpoints.recommend import RecommendEndpoint
from serve_api.endpoints.similar import SimilarEndpoint
from serve_api.endpoints.usermodel import UserModelEndpoint
from serve_api.metrics import ServeMetrics
from serve_api.routing import Router, on_http_exception, problem_response
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
        self._router = Router(settings, metrics, clock_ms)
        self._endpoints: Sequence[Endpoint] = (
            RecommendEndpoint(recommender, metrics, settings.max_limit),
            SimilarEndpoint(recommender, contents, settings.max_limit),
            UserModelEndpoint(models),
        )

    @property
    def operations(self) -> Sequence[Operation]:
        """What the API takes and answers."""
        return [*(one.operation for one in self._endpoints), *_PROBES]

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                *(self._router.route(one) for one in self._endpoints),
                Route("/healthz", _healthy),
                Route("/readyz", self._ready),
            ],
            exception_handlers={HTTPException: on_http_exception},
        )

    async def _ready(self, _: Request) -> Response:
        try:
            self._contents.edition()
            await self._models.get_signals("readiness-probe")
        except RetryableError as exc:
            _log.warning(ANSWER_FAILED, path="/readyz", error=str(exc))
            return problem_response(
                ProblemError(Problem(title="Not ready", status=503, detail=str(exc)))
            )
        return _json({"status": "ready"})


_STATUS = Documented(description="It is.", body=dict[str, str])
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
        answers={200: _STATUS},
    ),
)


async def _healthy(_: Request) -> Response:
    return _json({"status": "alive"})


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
