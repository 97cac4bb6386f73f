"""The webhook's doors: rights, wrong keys, and what is refused in the form of the SDKs."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request

from core.http.access import AccessPolicy
from core.http.keys import Key
from core.http.operation import Right
from ingest_worker.doors import WebhookDoors
from ingest_worker.settings import IngestSettings
from tests.api.asking import ask
from tests.api.services import KEY, webhook
from tests.gates import gate_of

APP = Key.of("a-key-of-the-app", "app", ["recommend", "personal"])
OPERATOR = Key.of("a-key-of-the-operator", "operator", ["operate"])
EVENT = b'{"type": "page", "userId": "ada"}'


def request(headers: Mapping[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "client": ("127.0.0.1", 1)})


@pytest.mark.parametrize(
    ("policy", "headers", "status"),
    [
        ({"has_keys": True}, {"X-API-Key": "a-key-of-the-operator"}, None),
        ({"has_keys": True}, {"X-API-Key": "a-key-of-the-app"}, 403),
        ({"has_keys": True}, {"X-API-Key": KEY}, 403),
        ({"has_keys": True}, {}, 401),
        ({"has_keys": True, "is_local": True}, {}, 401),
        ({"is_local": True}, {"Host": "localhost:8080"}, None),
        ({"is_local": True}, {"Host": "a.strangers.page"}, 403),
        ({"is_local": True}, {"Host": "localhost", "X-Forwarded-For": "192.0.2.1"}, 403),
        ({}, {}, 403),
    ],
)
def test_who_operates_has_a_key_for_it_or_without_any_sits_at_this_machine(
    policy: dict[str, bool], headers: dict[str, str], status: int | None
) -> None:
    keys = (*IngestSettings(api_key=KEY).keys, APP, OPERATOR) if "has_keys" in policy else ()
    doors = WebhookDoors(gate_of(AccessPolicy(**policy), *keys))
    refused = doors.refusal("operate", request(headers))
    assert (refused and refused.status) == status


@pytest.mark.parametrize("right", ["ingest", "operate"])
def test_forwarded_headers_do_not_matter_to_who_has_a_key(right: Right) -> None:
    doors = WebhookDoors(gate_of(AccessPolicy(has_keys=True), Key.of(KEY, "a", [right])))
    assert doors.refusal(right, request({"X-API-Key": KEY, "Forwarded": "for=x"})) is None


async def send(app: Any, key: str | None) -> Any:
    headers = {} if key is None else {"X-API-Key": key}
    return await ask(app, "POST", "/api/ingest", content=EVENT, headers=headers)


async def test_a_key_without_the_right_is_told_apart_from_a_wrong_one() -> None:
    app = webhook(api_key=KEY, more_keys=[APP])
    told = {key: await send(app, key) for key in (KEY, "a-key-of-the-app", "wrong", None)}
    assert [one.status_code for one in told.values()] == [200, 403, 401, 401]
    assert told["a-key-of-the-app"].json()["code"] == "forbidden"
    for refused in (told["a-key-of-the-app"], told["wrong"]):
        assert set(refused.json()) == {"code", "message"}


async def test_a_file_of_keys_closes_the_webhook_also_where_it_has_none_for_it() -> None:
    app = webhook(more_keys=[APP])
    assert (await send(app, None)).status_code == 401


async def test_further_wrong_keys_are_429_to_be_sent_again_and_the_right_one_passes() -> None:
    app = webhook(api_key=KEY, failures=2)
    wrong = [await send(app, f"guess-{number}") for number in range(4)]
    assert [one.status_code for one in wrong] == [401, 401, 429, 429]
    assert set(wrong[2].json()) == {"code", "message"}
    assert int(wrong[2].headers["Retry-After"]) == 30
    assert (await send(app, KEY)).status_code == 200
    assert (await send(app, None)).status_code == 401
