"""Bodies that are sent to the read API: their type, their size, and what is in them."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from msgspec import Meta
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from adapters.http_security import SecuredApp
from core.http.operation import Documented, Method, Operation
from serve_api.doors import Doors
from serve_api.endpoint import Answer, Call
from serve_api.metrics import ServeMetrics
from serve_api.responses import on_bug, on_http_exception
from serve_api.routing import Router
from serve_api.settings import ServeSettings
from tests.api.asking import ask
from tests.build import NOW_MS
from tests.gates import serve_gate_of

LIMIT = 100


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    text: Annotated[str, Meta(min_length=1)]
    times: Annotated[int, Meta(ge=1)] = 1


class Where(msgspec.Struct, frozen=True, kw_only=True):
    box: str
    loud: bool = False


class Echo:
    """Says again what it was told, or breaks."""

    def __init__(self, method: Method) -> None:
        self.operation = Operation(
            name=f"echo_{method}",
            path="/echo/{box}",
            method=method,
            summary="Say it again",
            group="Tests",
            access="recommend",
            parameters=Where,
            body=None if method == "GET" else Letter,
            answers={200: Documented(description="It.", body=dict[str, Any])},
        )

    async def answer(self, call: Call[Where, Letter]) -> Answer:
        if call.parameters.box == "broken":
            raise RuntimeError("a bug")
        said = [] if call.body is None else [call.body.text] * call.body.times
        return Answer(content={"box": call.parameters.box, "said": said})


def echo() -> SecuredApp:
    settings = ServeSettings(max_body_bytes=LIMIT)
    metrics = ServeMetrics(CollectorRegistry())
    doors = Doors(settings, serve_gate_of(settings), lambda: 0.0)
    router = Router(settings, doors, metrics, lambda: NOW_MS)
    handlers = {HTTPException: on_http_exception, Exception: on_bug}
    endpoints = [Echo("GET"), Echo("POST"), Echo("PUT")]
    return SecuredApp(Starlette(routes=list(router.routes(endpoints)), exception_handlers=handlers))


async def post(content: Any, **headers: str) -> httpx.Response:
    named = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    sent = {name: value for name, value in named.items() if value}
    return await ask(echo(), "POST", "/echo/one", content=content, headers=sent)


async def test_a_body_is_read_and_answered_beside_the_parameters() -> None:
    answer = await post(b'{"text":"hi","times":2}')
    assert (answer.status_code, answer.json()) == (200, {"box": "one", "said": ["hi", "hi"]})


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/a+json",
    ],
)
async def test_json_is_known_by_its_type(kind: str) -> None:
    assert (await post(b'{"text":"hi"}', Content_Type=kind)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "text/json"},
        {"Content_Type": ""},
        {"Content_Encoding": "gzip"},
    ],
)
async def test_anything_else_is_415_so_that_no_page_sends_it_unasked(
    headers: dict[str, str],
) -> None:
    assert (await post(b'{"text":"hi"}', **headers)).status_code == 415


@pytest.mark.parametrize("kind", ["application/json", ""])
async def test_no_body_is_a_400_that_says_what_is_missing(kind: str) -> None:
    answer = await post(b"", Content_Type=kind)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "body"


async def test_what_is_no_json_is_400_and_so_is_a_bad_field() -> None:
    assert (await post(b"{")).json()["parameter"] == "body"
    answer = await post(b'{"text":"hi","times":0}')
    assert answer.status_code == 400
    assert (answer.json()["parameter"], answer.json()["value"]) == ("times", 0)


def letter(size: int) -> bytes:
    return b'{"text":"' + b"x" * (size - 11) + b'"}'


async def test_a_body_of_exactly_the_limit_is_read_and_one_more_byte_is_413() -> None:
    assert (await post(letter(LIMIT))).status_code == 200
    answer = await post(letter(LIMIT + 1))
    assert answer.status_code == 413
    assert str(LIMIT) in answer.json()["detail"]


async def test_a_body_in_chunks_is_received_no_farther_than_the_limit() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 10
            yield b" " * 10

    assert (await post(endless())).status_code == 413
    assert taken == LIMIT + 10


async def test_a_body_in_chunks_within_the_limit_is_read() -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b'{"te', b'xt":', b'"hi"}'):
            yield part

    assert (await post(parts())).json()["said"] == ["hi"]


async def test_a_claim_of_too_much_is_413_before_anything_is_received() -> None:
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        taken += 1
        yield b" "

    assert (await post(counted(), Content_Length=str(LIMIT + 1))).status_code == 413
    assert taken == 0


async def test_a_path_answers_each_of_its_methods_and_names_them_to_others() -> None:
    assert (await ask(echo(), "GET", "/echo/one")).json() == {"box": "one", "said": []}
    assert (await ask(echo(), "HEAD", "/echo/one")).status_code == 200
    put = await ask(echo(), "PUT", "/echo/two", json={"text": "hi"})
    assert put.json() == {"box": "two", "said": ["hi"]}
    answer = await ask(echo(), "DELETE", "/echo/one")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST", "PUT"}


async def test_parameters_of_a_body_s_operation_are_checked_before_the_body_is_received() -> None:
    answer = await ask(echo(), "POST", "/echo/one?loud=perhaps", content=b"{")
    assert answer.json()["parameter"] == "loud"


async def test_a_bug_is_a_500_that_says_nothing_of_the_inside() -> None:
    transport = httpx.ASGITransport(echo(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/echo/broken")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal error")
    assert 'a bug"' not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
