"""Faults on demand: a server that refuses, is slow, hangs, or loses its answer.

Set over routes of the tests' own: POST /test/faults a `Fault`, DELETE ends all,
GET /test/requests what was asked since the last DELETE of it.
"""

import asyncio
import re

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What happens to requests whose "METHOD /path" matches `on`."""

    on: str = ""
    """A regular expression, searched for."""
    status: int | None = None
    """The answer that is given; None lets the server answer."""
    delay_s: float = 0.0
    hang: bool = False
    """No answer ever."""
    drop: bool = False
    """The connection ends without an answer."""
    after: bool = False
    """The request is carried out first: only its answer is another."""
    times: int | None = None
    """How many requests it befalls; None is all until it is ended."""


class Faults:
    """ASGI middleware; its own routes are never befallen."""

    def __init__(self, app: ASGIApp) -> None:
        """No faults yet."""
        self._app = app
        self._set: list[Fault] = []
        self._asked: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or fail to."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] in {"/test/faults", "/test/requests"}:
            await self._settle(scope, receive, send)
        else:
            asked = f"{scope['method']} {scope['path']}"
            self._asked.append(asked)
            await self._befall(self._next(asked), scope, receive, send)

    def _next(self, asked: str) -> Fault | None:
        for fault in self._set:
            if fault.times != 0 and re.search(fault.on, asked):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    async def _befall(
        self, fault: Fault | None, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault is None:
            await self._app(scope, receive, send)
            return
        if fault.after:
            await self._app(scope, receive, _nowhere)
        await asyncio.sleep(fault.delay_s)
        if fault.drop:
            receive.__self__.transport.abort()  # type: ignore[attr-defined] # of uvicorn's cycle
            return
        if fault.hang:
            await asyncio.Event().wait()
        if fault.status is None:
            await self._app(scope, receive, send)
            return
        said = {"status": {"error": f"Service internal error: fault {fault.status}"}, "time": 0.0}
        await JSONResponse(said, status_code=fault.status)(scope, receive, send)

    async def _settle(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer: object = True
        if request.url.path == "/test/requests":
            answer = list(self._asked)
            if request.method == "DELETE":
                self._asked.clear()
        elif request.method == "DELETE":
            self._set.clear()
        else:
            self._set.append(msgspec.json.decode(await request.body(), type=Fault))
        await JSONResponse(answer)(scope, receive, send)


async def _nowhere(_: Message) -> None:
    """Where an answer goes that nobody gets."""
