"""The outermost layer of a service: what every answer forbids a browser, and who may read it."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = b"content-security-policy"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    # Of requests that ask for CORS it forbids nothing: those, CORS itself decides.
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NOTHING = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
"""A page may have a policy of its own; JSON loads nothing."""
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_ALLOWED_HEADERS = ("Authorization", "Content-Type", "If-None-Match", "X-API-Key")
_EXPOSED_HEADERS = ("ETag", "RateLimit", "RateLimit-Policy", "Retry-After")
_PREFLIGHT_S = 600


class SecuredApp:
    """An application whose answers are secured, those to bugs and preflights too."""

    def __init__(self, app: ASGIApp, cors_origins: Sequence[str] = ()) -> None:
        """`cors_origins` are those whose pages may read answers; `*` is everybody."""
        self._app = _with_cors(app, cors_origins) if cors_origins else app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                has_policy = any(name == _POLICY for name, _ in own)
                message["headers"] = (
                    [*own, *_HEADERS] if has_policy else [*own, *_HEADERS, _NOTHING]
                )
            await send(message)

        await self._app(scope, receive, secured)


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Without cookies, as nothing here is told by them."""
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=_METHODS,
        allow_headers=_ALLOWED_HEADERS,
        expose_headers=_EXPOSED_HEADERS,
        max_age=_PREFLIGHT_S,
    )
