"""`python -m tests.bench.constant`: the same HTTP server with nothing behind it.

Event loop, HTTP parser, framework and server options are those of the real
processes (`adapters.process`); the route answers a constant and leaves the
body unread. What a real process answers a second cannot be more than this.
"""

import os
import sys
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.process import run_process, serve_http, stop_signals
from adapters.settings import SharedSettings, read_settings

_ANSWER = b'{"accepted":1}'


def _settings(environ: Mapping[str, str]) -> SharedSettings:
    return read_settings(SharedSettings, environ)


async def _serve(_: SharedSettings) -> None:
    app = Starlette(
        routes=[
            Route("/api/ingest", _constant, methods=["POST"]),
            Route("/api/recommend", _constant),
            Route("/readyz", _constant),
        ]
    )
    await serve_http(app, "127.0.0.1", int(os.environ["CONSTANT_PORT"]), stop_signals())


async def _constant(_: Request) -> Response:
    return Response(_ANSWER, media_type="application/json")


if __name__ == "__main__":
    sys.exit(run_process("constant", _settings, _serve))
