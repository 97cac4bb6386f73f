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


def expose_metrics(app: Starlette, registry: CollectorRegistry) -> Starlette:
    """Give an application the route; what the process itself takes is shown too."""
    ProcessCollector(registry=registry)

    async def metrics(_: Request) -> Response:
        # Not as `media_type`: it names its own charset.
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.routes.append(Route("/metrics", metrics))
    return app
