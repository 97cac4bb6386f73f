"""Persons are erased and exported over HTTP, one by one or in RudderStack's form."""

import json
from typing import Any

import pytest
from starlette.types import ASGIApp

from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.stream import InMemoryRawBatchStream
from adapters.process import clock_ms
from core.identity.node import Claim
from tests.api.asking import ask
from tests.api.services import KEY, OPERATOR, BufferAway, webhook
from tests.build import NOW_MS, WINDOW_MS, event
from tests.places import places

ANYWHERE = "0.0.0.0"  # noqa: S104


async def filled(*user_ids: str) -> tuple[ASGIApp, InMemoryEventBuffer]:
    """A webhook beside a buffer with an event of each of the users."""
    buffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=9)
    await buffer.append([event("page", user_id=one) for one in user_ids], now_ms=NOW_MS)
    return webhook(held=places(buffer=buffer)), buffer


async def left(buffer: InMemoryEventBuffer) -> set[str]:
    return {one async for one in buffer.user_ids()}


@pytest.mark.parametrize(
    ("path", "user_id"),
    [("ada", "ada"), ("a%2Fb", "a/b"), ("a/b", "a/b"), ("%C3%A9%20%3F", "é ?"), ("7", "7")],
)
async def test_a_person_is_erased_by_any_id_and_told_what_went(path: str, user_id: str) -> None:
    app, buffer = await filled(user_id, "other")
    answer = await ask(app, "DELETE", f"/api/users/{path}")
    assert answer.status_code == 200
    receipt = answer.json()
    assert (receipt["user_id"], receipt["ids"]) == (user_id, [user_id])
    assert receipt["counts"] == {
        "events": 1,
        "models": 0,
        "links": 0,
        "due_marks": 0,
        "stream_events": 0,
        "dead_letters": 0,
        "log_rows": 0,
    }
    assert receipt["until_ms"] > receipt["erased_at_ms"]
    assert await left(buffer) == {"other"}
    again = (await ask(app, "DELETE", f"/api/users/{path}")).json()
    assert set(again["counts"].values()) == {0}


async def test_all_ids_of_a_person_go_by_whichever_is_named() -> None:
    held = places()
    claim = Claim(of="phone", person="ada", ts_ms=NOW_MS, by="device")
    await held.graph.add([claim])
    some = [event("page", user_id=one) for one in ("ada", "phone")]
    await held.buffer.append(some, now_ms=NOW_MS)
    receipt = (await ask(webhook(held=held), "DELETE", "/api/users/phone")).json()
    assert set(receipt["ids"]) == {"ada", "phone"}
    assert receipt["counts"]["events"] == 2
    assert receipt["counts"]["links"] == 1


async def test_what_waits_in_the_stream_goes_too() -> None:
    stream = InMemoryRawBatchStream(max_entries=9, clock_ms=clock_ms)
    app = webhook(stream)
    body = [{"type": "page", "userId": one} for one in ("ada", "bob")]
    await ask(app, "POST", "/api/ingest", json=body)
    exported = (await ask(app, "GET", "/api/users/ada")).json()
    assert exported["stream"] == [{"type": "page", "userId": "ada"}]
    receipt = (await ask(app, "DELETE", "/api/users/ada")).json()
    assert receipt["counts"]["stream_events"] == 1
    [batch] = await stream.read(limit=9)
    assert json.loads(batch.body) == [{"type": "page", "userId": "bob"}]


async def test_everything_that_is_kept_can_be_exported() -> None:
    app, _ = await filled("ada", "other")
    exported = (await ask(app, "GET", "/api/users/ada")).json()
    assert [one["user_id"] for one in exported["events"]] == ["ada"]
    assert exported["refused"] == {}
    await ask(app, "DELETE", "/api/users/ada")
    exported = (await ask(app, "GET", "/api/users/ada")).json()
    assert exported["events"] == []
    assert list(exported["refused"]) == ["ada"]


JOB = {"jobId": "1", "destType": "WEBHOOK"}
DONE = {"statusCode": 200, "status": "successful"}


@pytest.mark.parametrize(
    ("attributes", "erased"),
    [
        ([{"userId": "ada"}, {"userId": "bob"}], {"ada", "bob"}),
        ([{"userId": "ada", "email": "bob"}], {"ada"}),
        ([{"anonymousId": "ada"}], {"ada"}),
        ([{"userId": 7}], {"7"}),
        ({"userId": "ada"}, {"ada"}),
    ],
)
async def test_a_job_of_rudderstack_names_users_in_every_odd_form(
    attributes: Any, erased: set[str]
) -> None:
    app, buffer = await filled("ada", "bob", "7")
    for body in ([JOB | {"userAttributes": attributes}], JOB | {"userAttributes": attributes}):
        answer = await ask(app, "POST", "/api/erase", json=body)
        assert (answer.status_code, answer.json()) == (200, [DONE])
    assert await left(buffer) == {"ada", "bob", "7"} - erased


async def test_a_job_without_users_is_answered_so_and_its_neighbours_are_done() -> None:
    app, buffer = await filled("ada", "bob")
    bad: list[Any] = [{}, JOB, JOB | {"userAttributes": [{"email": "ada"}, 5]}, None, "ada"]
    good = [JOB | {"userAttributes": [{"userId": one}]} for one in ("ada", "bob")]
    answers = (await ask(app, "POST", "/api/erase", json=[good[0], *bad, good[1]])).json()
    assert [one["statusCode"] for one in answers] == [200, 400, 400, 400, 400, 400, 200]
    assert all(one["error"] for one in answers[1:-1])
    assert await left(buffer) == set()
    assert (await ask(app, "POST", "/api/erase", json=[])).json() == []


async def test_a_body_that_is_no_list_of_jobs_is_refused() -> None:
    json_type = {"Content-Type": "application/json"}
    many = [{"userAttributes": [{"userId": str(number)} for number in range(1001)]}]
    for request, status in (
        ({"content": b"{", "headers": json_type}, 400),
        ({"json": 5}, 400),
        ({"content": b"[]"}, 415),
        ({"content": b" " * 2**21, "headers": json_type}, 413),
        ({"json": many}, 413),
    ):
        answer = await ask(webhook(), "POST", "/api/erase", **request)
        assert answer.status_code == status
        assert answer.json()["code"]


async def test_while_a_store_is_away_nothing_is_answered_but_to_ask_again() -> None:
    app = webhook(held=places(buffer=BufferAway()))
    jobs = [JOB, JOB | {"userAttributes": [{"userId": "ada"}]}]
    for method, path, request in (
        ("DELETE", "/api/users/ada", {}),
        ("POST", "/api/erase", {"json": jobs}),
    ):
        answer = await ask(app, method, path, **request)
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0


async def test_who_has_a_key_for_it_may_and_a_senders_key_is_not_enough() -> None:
    with_key = {"X-API-Key": KEY}
    cases: list[tuple[dict[str, Any], dict[str, str], int]] = [
        ({}, {}, 200),
        ({"host": ANYWHERE}, {}, 403),
        ({}, {"X-Forwarded-For": "192.0.2.1"}, 403),
        ({"api_key": KEY}, {}, 401),
        ({"api_key": KEY}, with_key, 403),
        ({"host": ANYWHERE, "more_keys": [OPERATOR]}, with_key, 200),
    ]
    for settings, headers, status in cases:
        app = webhook(**settings)
        jobs: dict[str, Any] = {"json": []}
        for method, path, more in (
            ("DELETE", "/api/users/ada", {}),
            ("GET", "/api/users/ada", {}),
            ("POST", "/api/erase", jobs),
        ):
            answer = await ask(app, method, path, headers=headers, **more)
            assert answer.status_code == status, (settings, method)


async def test_a_path_without_an_id_erases_nobody() -> None:
    for path in ("/api/users/", "/api/users/%20", "/api/users/ada?user_id=bob"):
        assert (await ask(webhook(), "DELETE", path)).status_code == 400
