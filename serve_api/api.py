"""The read API: answers from the materialized models and never writes."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Literal

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.errors import RetryableError
from core.http.answers import with_common_answers
from core.http.gate import Gate
from core.http.operation import Documented, Operation
from core.http.problems import PROBLEM_MEDIA_TYPE, Problem
from core.log_names import ANSWER_FAILED
from core.modelling.build import ModelBasis
from core.popularity.popular import Popularity
from core.recommendation import Away
from core.recommender import Recommender
from core.telling.explainer import ModelExplainer
from core.telling.historian import ModelHistorian
from serve_api.doors import Doors
from serve_api.endpoint import Endpoint
from serve_api.endpoints.batch import BatchEndpoint
from serve_api.endpoints.content import ContentEndpoint
from serve_api.endpoints.explain_model import ExplainModelEndpoint
from serve_api.endpoints.model_history import ModelHistoryEndpoint
from serve_api.endpoints.popular import PopularEndpoint
from serve_api.endpoints.preview import PreviewEndpoint
from serve_api.endpoints.recommend import RecommendEndpoint
from serve_api.endpoints.replay import ReplayEndpoint
from serve_api.endpoints.search import SearchEndpoint
from serve_api.endpoints.similar import SimilarEndpoint
from serve_api.endpoints.usermodel import UserModelEndpoint
from serve_api.endpoints.why import WhyEndpoint
from serve_api.metrics import ServeMetrics
from serve_api.responses import on_bug, on_http_exception, try_later
from serve_api.routing import Router
from serve_api.settings import ServeSettings
from serve_api.sources import Sources

_log = structlog.get_logger()


def _nobody(_: str) -> None:
    """There is no log."""


class ServeApi:
    """The routes that an app reads."""

    def __init__(
        self,
        sources: Sources,
        basis: ModelBasis,
        *,
        half_life_days: float,
        settings: ServeSettings,
        gate: Gate,
        clock_ms: Callable[[], int],
        metrics: ServeMetrics,
    ) -> None:
        """Make all that answers. `half_life_days` is that of views where a request names none."""
        ranking, most = basis.config.ranking, settings.max_limit
        contents, models, events = sources.contents, sources.patient_models, sources.events
        recommender = Recommender(
            sources.models,
            contents,
            ranking,
            basis.config_version,
            standby=sources.standby,
            collective=sources.collective,
            policies=sources.policies,
            shadows=sources.shadows,
        )
        popularity = Popularity(
            contents, sources.views, facet_caps=ranking.facet_caps, half_life_days=half_life_days
        )
        historian = ModelHistorian(
            events, models, contents, basis, between=lambda: asyncio.sleep(0)
        )
        self._recommender = recommender
        self._settings = settings
        self._policy = gate.policy
        self._router = Router(settings, Doors(settings, gate, monotonic), metrics, clock_ms)
        record = sources.record or _nobody
        self._endpoints: Sequence[Endpoint] = (
            RecommendEndpoint(recommender, metrics, most, record("recommend")),
            PreviewEndpoint(recommender, contents, basis.config.signals, most),
            BatchEndpoint(recommender, models, metrics, settings, record("batch")),
            SimilarEndpoint(recommender, contents, most, record("similar")),
            WhyEndpoint(recommender, most),
            PopularEndpoint(popularity, most),
            SearchEndpoint(contents, most),
            ContentEndpoint(contents),
            UserModelEndpoint(models),
            ExplainModelEndpoint(ModelExplainer(events, models, contents, basis)),
            ModelHistoryEndpoint(historian),
            ReplayEndpoint(sources.replays),
        )

    @property
    def operations(self) -> Sequence[Operation]:
        """What the API takes and answers, by its settings."""
        is_limited = self._settings.rate_per_minute > 0
        return [
            with_common_answers(one, self._policy, is_limited=is_limited)
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
            degraded = await self._recommender.degraded()
        except RetryableError as exc:
            _log.warning(ANSWER_FAILED, path="/readyz", error=str(exc))
            return try_later(str(exc))
        return _json(Readiness(degraded=degraded))


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Requests are answered; `degraded` says what their answers do without at the moment."""

    status: Literal["ready"] = "ready"
    degraded: tuple[Away, ...]


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
        description="Also while models or the catalogue are away, as long as there is anything "
        "to answer with.",
        group="Probes",
        answers={200: Documented(description="They will.", body=Readiness), 503: _NOT_READY},
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
