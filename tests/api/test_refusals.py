"""Every refusal that an operation is declared to answer is provoked, and looks as declared."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from core.errors import RejectedError
from core.http.keys import Key
from tests.api.asking import DescribedOperation, document_of, operations_of
from tests.api.services import (
    KEY,
    BufferAway,
    ReplaysFailing,
    StreamAway,
    read_api,
    read_api_without_stores,
    webhook,
)
from tests.places import places

Provoke = Callable[[DescribedOperation], Awaitable[httpx.Response]]
KEYS: Mapping[str, Any] = {"api_key": KEY, "require_key": True}
OTHERS_REACH_IT: Mapping[str, Any] = {"host": "0.0.0.0"}  # noqa: S104


def limited_api(per_minute: int = 100, **settings: Any) -> ASGIApp:
    """Limited in all cases, so that every answer has the same headers."""
    return read_api(rate_per_minute=per_minute, **settings)


async def not_modified(one: DescribedOperation) -> httpx.Response:
    app = limited_api()
    first = await one.ask(app)
    return await one.ask(app, If_None_Match=first.headers["ETag"])


async def bad_input(one: DescribedOperation) -> httpx.Response:
    if one.takes_body:
        return await one.ask(limited_api(), body=b'{"')
    return await ask_with_unknown_parameter(one, limited_api())


async def ask_with_unknown_parameter(one: DescribedOperation, app: ASGIApp) -> httpx.Response:
    content = {**one.content, "parameters": [*one.content["parameters"], NONSENSE]}
    return await DescribedOperation(method=one.method, path=one.path, content=content).ask(app)


async def bad_for_the_webhook(one: DescribedOperation) -> httpx.Response:
    if one.takes_body:
        return await one.ask(webhook(), body=b"<xml/>")
    return await ask_with_unknown_parameter(one, webhook())


NONSENSE = {"name": "nonsense", "in": "query", "required": False, "example": "1"}


async def limited(one: DescribedOperation) -> httpx.Response:
    app = limited_api(per_minute=1)
    await one.ask(app)
    return await one.ask(app)


OTHERS_KEY = Key.of("a-key-of-another-service", "other", [])


async def forbidden(one: DescribedOperation) -> httpx.Response:
    if 401 not in one.problems():
        return await one.ask(limited_api(**OTHERS_REACH_IT))
    app = limited_api(**KEYS, more_keys=[OTHERS_KEY])
    return await one.ask(app, X_API_Key="a-key-of-another-service")


async def throttled(one: DescribedOperation) -> httpx.Response:
    app = webhook(api_key=KEY, failures=1)
    await one.ask(app, X_API_Key="another")
    return await one.ask(app, X_API_Key="another")


READ_API: Mapping[int, Provoke] = {
    304: not_modified,
    400: bad_input,
    401: lambda one: one.ask(limited_api(**KEYS), X_API_Key="another"),
    403: forbidden,
    404: lambda one: one.ask(limited_api(), of_unknown=True),
    409: lambda one: one.ask(limited_api(replays=ReplaysFailing(RejectedError("not kept")))),
    413: lambda one: one.ask(limited_api(max_body_bytes=1)),
    415: lambda one: one.ask(limited_api(), Content_Type="text/plain"),
    429: limited,
    503: lambda one: one.ask(read_api_without_stores(rate_per_minute=100)),
}
WEBHOOK: Mapping[int, Provoke] = {
    400: bad_for_the_webhook,
    401: lambda one: one.ask(webhook(api_key=KEY), X_API_Key="another"),
    403: lambda one: one.ask(
        webhook(api_key=KEY, more_keys=[OTHERS_KEY]), X_API_Key="a-key-of-another-service"
    ),
    404: lambda one: one.ask(webhook(), of_unknown=True),
    413: lambda one: one.ask(webhook(max_body_bytes=1)),
    429: throttled,
    415: lambda one: one.ask(webhook(), Content_Type="text/plain"),
    503: lambda one: one.ask(webhook(StreamAway(), places(buffer=BufferAway()))),
}


def declared(*apps: ASGIApp) -> list[Any]:
    """Each refusal of each operation once, in whichever set-up it is declared."""
    found = {}
    for app in apps:
        for one in operations_of(asyncio.run(document_of(app))):
            for status in one.problems():
                found[f"{one.method} {one.path} {status}"] = (one, status)
    return [pytest.param(one, status, id=name) for name, (one, status) in found.items()]


def assert_as_declared(answer: httpx.Response, one: DescribedOperation, status: int) -> None:
    assert answer.status_code == status, answer.text
    response = one.content["responses"][str(status)]
    assert [name for name in response.get("headers", ()) if name not in answer.headers] == []
    [kind] = response.get("content", {None: {}})
    assert answer.headers.get("Content-Type") == kind
    if kind == "application/problem+json":
        problem = answer.json()
        assert problem["status"] == status
        assert problem["title"]
        assert problem["detail"]


@pytest.mark.parametrize(
    ("one", "status"),
    declared(limited_api(), limited_api(**KEYS), limited_api(**OTHERS_REACH_IT)),
)
async def test_a_refusal_of_the_read_api_is_as_declared(
    one: DescribedOperation, status: int
) -> None:
    assert_as_declared(await READ_API[status](one), one, status)


@pytest.mark.parametrize(("one", "status"), declared(webhook(api_key=KEY)))
async def test_a_refusal_of_the_webhook_is_as_declared(
    one: DescribedOperation, status: int
) -> None:
    assert_as_declared(await WEBHOOK[status](one), one, status)
