"""`/metrics`: what a process has counted, as Prometheus reads it."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.http.operation import Documented, Operation

METRICS = Operation(
    name="metrics",
    path="/metrics",
    summary="What the process has counted and timed, for Prometheus",
    group="Probes",
    answers={
        200: Documented(
            description="One sample a line.",
            body=str,
            media_type="text/plain",
            headers={"Cache-Control": "Who may keep the answer."},
        )
    },
)


def expose_metrics(app: Starlette, registry: CollectorRegistry) -> Starlette:
    """Give an application the route; what the process itself takes is shown too."""
    ProcessCollector(registry=registry)

    async def metrics(_: Request) -> Response:
        # Not as `media_type`: it names its own charset.
        headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
        return Response(generate_latest(registry), headers=headers)

    app.router.routes.append(Route("/metrics", metrics))
    return app
