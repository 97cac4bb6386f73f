"""`/openapi.json` and `/docs`: what a service takes and answers, to read and to try.

The page is Swagger UI from the wheel of swagger-ui-py, of which nothing is
imported. It asks no other host for anything.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from core.http.openapi import ApiDocument
from core.http.operation import Documented, Operation

_URL = re.compile(r"https?://[A-Za-z0-9._\-]+(?::[0-9]+)?|https?://\[[0-9A-Fa-f:.]+\](?::[0-9]+)?")
_HERE = "http://127.0.0.1"
_KEPT_DOCUMENTS = 8
_CHANGES_WITH_RELEASES = "public, max-age=3600"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Swagger UI writes styles into its elements and has its icons in data URLs."""
_OF_SWAGGER_UI = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_OURS = Path(__file__).parent

OPENAPI = Operation(
    name="openapi",
    path="/openapi.json",
    summary="This description",
    group="Probes",
    answers={
        200: Documented(
            description="OpenAPI 3.1.",
            body=dict[str, Any],
            headers={"Cache-Control": "Who may keep the answer."},
        )
    },
)


def release() -> str:
    """The version of what is installed."""
    return version("ai-engine")


def expose_documentation(app: Starlette, document: ApiDocument) -> Starlette:
    """Give an application the description and the page."""
    files = _files()

    @lru_cache(_KEPT_DOCUMENTS)
    def encoded(server_url: str) -> bytes:
        return msgspec.json.encode(document.content(server_url))

    async def description(request: Request) -> Response:
        content = encoded(_server_url(request))
        headers = {"Cache-Control": "no-cache"}
        return Response(content, media_type="application/json", headers=headers)

    async def page(_: Request) -> Response:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return FileResponse(_OURS / "index.html", headers=headers)

    async def file(request: Request) -> Response:
        found = files.get(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        return FileResponse(found, headers={"Cache-Control": _CHANGES_WITH_RELEASES})

    app.router.routes += [
        Route(OPENAPI.path, description),
        Route("/docs", page),
        Route("/docs/{name}", file),
    ]
    return app


def _files() -> Mapping[str, Path]:
    spec = find_spec("swagger_ui")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("swagger-ui-py is not installed")
    static = Path(spec.origin).parent / "static"
    return {name: static / name for name in _OF_SWAGGER_UI} | {"start.js": _OURS / "start.js"}


def _server_url(request: Request) -> str:
    """As who asks calls the service; nothing else can get into a line to paste."""
    url = f"{request.url.scheme}://{request.url.netloc}"
    return url + request.scope.get("root_path", "") if _URL.fullmatch(url) else _HERE
