"""The key of a server that is not open to everybody, asked for as Qdrant asks."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OPEN = {"/", "/healthz", "/readyz", "/livez"}


class ApiKey:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        """An empty key opens everything."""
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer 401."""
        if scope["type"] == "http" and self._key and scope["path"] not in _OPEN:
            given = Request(scope).headers.get("api-key")
            if given != self._key:
                said = "Invalid API key or JWT" if given else "Must provide an API key"
                await PlainTextResponse(said, 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)
