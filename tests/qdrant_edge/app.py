"""The part of Qdrant's REST API that this project uses, as a Starlette application."""

import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.qdrant_edge import operations
from tests.qdrant_edge.access import ApiKey
from tests.qdrant_edge.collections import Collections
from tests.qdrant_edge.errors import QdrantError, not_spoken
from tests.qdrant_edge.faults import Faults

_COLLECTION = "/collections/{name}"
_POINTS = f"{_COLLECTION}/points"
_ROUTES: dict[str, Callable[[operations.Call], Any]] = {
    "GET /collections": operations.list_collections,
    "GET /aliases": operations.list_aliases,
    "POST /collections/aliases": operations.change_aliases,
    f"GET {_COLLECTION}": operations.get_collection,
    f"PUT {_COLLECTION}": operations.create_collection,
    f"DELETE {_COLLECTION}": operations.delete_collection,
    f"GET {_COLLECTION}/exists": operations.collection_exists,
    f"GET {_COLLECTION}/aliases": operations.list_aliases,
    f"PUT {_COLLECTION}/index": operations.create_index,
    f"DELETE {_COLLECTION}/index/{{field}}": operations.delete_index,
    f"PUT {_POINTS}": operations.upsert,
    f"POST {_POINTS}": operations.retrieve,
    f"POST {_POINTS}/delete": operations.delete_points,
    f"POST {_POINTS}/payload": operations.set_payload,
    f"PUT {_POINTS}/payload": operations.overwrite_payload,
    f"POST {_POINTS}/payload/delete": operations.delete_payload,
    f"POST {_POINTS}/scroll": operations.scroll,
    f"POST {_POINTS}/count": operations.count,
    f"POST {_POINTS}/query": operations.query,
    f"POST {_POINTS}/query/batch": operations.query_batch,
    "POST /test/optimize/{name}": operations.optimize,
}


def make_app(collections: Collections, *, api_key: str = "") -> Starlette:
    """The server of a folder of collections; without a key it is open."""
    routes = [_route(where, work, collections) for where, work in _ROUTES.items()]
    probes = [Route(path, _healthy) for path in ("/healthz", "/readyz", "/livez")]
    return Starlette(
        routes=[Route("/", _root), *probes, *routes],
        middleware=[Middleware(Faults), Middleware(ApiKey, key=api_key)],
        exception_handlers={404: _unknown_route, 405: _unknown_route},
    )


def _route(where: str, work: Callable[[operations.Call], Any], collections: Collections) -> Route:
    method, path = where.split()
    return Route(path, _answering(work, collections), methods=[method])


def _answering(
    work: Callable[[operations.Call], Any], collections: Collections
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        call = operations.Call(collections, request, await request.body())
        try:
            answer = {"result": await run_in_threadpool(work, call), "status": "ok"}
            status = 200
        except QdrantError as exc:
            answer, status = {"status": {"error": str(exc)}}, exc.status
        return _json(answer | {"time": time.perf_counter() - started}, status)

    return endpoint


def _json(answer: dict[str, Any], status: int) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")


async def _root(_: Request) -> Response:
    """It speaks what the pinned client speaks."""
    title = "qdrant - vector search engine"
    return _json({"title": title, "version": version("qdrant-client")}, 200)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("healthz check passed")


async def _unknown_route(request: Request, _: Exception) -> Response:
    error = not_spoken(f"{request.method} {request.url.path}")
    return _json({"status": {"error": str(error)}, "time": 0.0}, error.status)
