"""Who is let into the read API, how often, and what is said to others."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from adapters.settings import SharedSettings
from core.environment import load
from core.errors import ConfigError
from core.http.keys import Key
from serve_api.composition import ServeProcess, serve_gate
from serve_api.settings import ServeSettings
from tests.api.asking import ask
from tests.api.services import KEY, read_api

RECOMMEND = "/api/recommend?user_id=ada"
MODEL = "/api/usermodel?user_id=ada"
ANYWHERE = "0.0.0.0"  # noqa: S104


async def status(app: ASGIApp, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await ask(app, "GET", path, headers=named)).status_code


async def test_with_keys_what_is_said_of_a_visitor_needs_one_of_them() -> None:
    app = read_api(api_key=f"old,{KEY}")
    assert await status(app, MODEL) == 401
    for headers in ({"X_API_Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"X_API_Key": "old"}):
        assert await status(app, MODEL, **headers) == 200
    assert await status(app, MODEL, X_API_Key="wrong", Authorization=f"Bearer {KEY}") == 200
    assert await status(app, MODEL, X_API_Key=f"old,{KEY}") == 401


async def test_a_wrong_key_costs_nothing_where_none_is_asked_for() -> None:
    """A proxy in front may use Authorization for itself."""
    app = read_api(api_key=KEY)
    assert await status(app, RECOMMEND, Authorization="Basic cHJveHk6eA==") == 200
    assert await status(app, RECOMMEND, X_API_Key="wrong") == 200


async def test_recommendations_need_a_key_where_the_settings_say_so_and_probes_never() -> None:
    app = read_api(api_key=KEY, require_key=True)
    refused = await ask(app, "GET", RECOMMEND, headers={"X-API-Key": "a-secret-guess"})
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == 'Bearer realm="ai-engine"'
    assert "a-secret-guess" not in refused.text
    assert KEY not in refused.text
    assert await status(app, RECOMMEND, X_API_Key=KEY) == 200
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        assert await status(app, path) == 200


async def test_without_a_key_only_this_machine_may_ask_about_visitors() -> None:
    for host, expected in (("127.0.0.1", 200), ("localhost", 200), ("::1", 200), (ANYWHERE, 403)):
        app = read_api(host=host)
        assert await status(app, MODEL) == expected
        assert await status(app, RECOMMEND) == 200
    refused = await ask(read_api(host=ANYWHERE), "GET", MODEL)
    assert "SERVE_API_KEY" in refused.json()["detail"]


@pytest.mark.parametrize("name", ["Forwarded", "X_Forwarded_For"])
async def test_what_a_proxy_passes_on_is_not_from_this_machine(name: str) -> None:
    assert await status(read_api(), MODEL, **{name: "for=192.0.2.1"}) == 403
    assert await status(read_api(api_key=KEY), MODEL, X_API_Key=KEY, **{name: "x"}) == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.9:8081", 200),
        ("localhost:8081", 200),
        ("LOCALHOST", 200),
        ("[::1]:8081", 200),
        ("evil.example", 403),
        ("evil.example:8081", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("evil.example@localhost", 403),
        ("192.0.2.1", 403),
        ("[2001:db8::1]", 403),
        ("", 403),
    ],
)
async def test_a_page_that_gives_its_own_name_this_address_is_told_nothing(
    host: str, expected: int
) -> None:
    assert await status(read_api(), MODEL, Host=host) == expected
    assert await status(read_api(), RECOMMEND, Host=host) == 200
    assert await status(read_api(api_key=KEY), MODEL, Host=host, X_API_Key=KEY) == 200


@pytest.mark.parametrize(
    ("settings", "event"),
    [({}, ["serve.opened"]), ({"host": ANYWHERE}, ["serve.closed"]), ({"api_key": KEY}, [])],
)
def test_a_service_without_a_key_says_so_when_it_starts(
    settings: dict[str, Any], event: list[str]
) -> None:
    with structlog.testing.capture_logs() as logs:
        serve_gate(SharedSettings(), ServeSettings(**settings), CollectorRegistry())
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == event
    assert all(KEY not in str(line) for line in logs)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"SERVE_REQUIRE_KEY": "1"}, "SERVE_API_KEY"),
        ({"SERVE_API_KEY": ","}, "SERVE_API_KEY"),
        ({"KEY_FAILURES_PER_MINUTE": "0"}, "KEY_FAILURES_PER_MINUTE"),
        ({"SERVE_CORS_ORIGINS": "app.example.org"}, "SERVE_CORS_ORIGINS"),
        ({"SERVE_CORS_ORIGINS": "https://app.example.org/"}, "SERVE_CORS_ORIGINS"),
        ({"SERVE_RATE_PER_MINUTE": "-1"}, "SERVE_RATE_PER_MINUTE"),
    ],
)
def test_settings_that_cannot_be_meant_stop_the_start(
    environ: Mapping[str, str], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        load(ServeProcess, environ)


def test_a_file_of_keys_is_enough_where_keys_are_asked_for() -> None:
    environ = {"SERVE_REQUIRE_KEY": "1", "KEYS_FILE": "keys.toml"}
    assert load(ServeProcess, environ).serve.require_key


async def test_a_sender_is_limited_by_its_key_and_else_by_its_address() -> None:
    app = read_api(api_key=f"old,{KEY}", rate_per_minute=2)
    assert [await status(app, RECOMMEND) for _ in range(3)] == [200, 200, 429]
    assert await status(app, RECOMMEND, X_API_Key="made-up") == 429
    assert [await status(app, MODEL, X_API_Key=KEY) for _ in range(3)] == [200, 200, 429]
    assert await status(app, MODEL, X_API_Key="old") == 200
    assert await status(app, "/healthz") == 200


async def test_guesses_of_a_key_are_limited_too() -> None:
    app = read_api(api_key=KEY, rate_per_minute=2)
    asked = [await status(app, MODEL, X_API_Key=f"guess-{number}") for number in range(4)]
    assert asked == [401, 401, 429, 429]


async def test_a_key_without_the_right_is_told_apart_from_a_wrong_one() -> None:
    app = read_api(
        require_key=True,
        more_keys=[
            Key.of("only-lists", "lists", ["recommend"]),
            Key.of("only-events", "events", ["ingest"]),
        ],
    )
    asked = [("only-lists", RECOMMEND, 200), ("only-lists", MODEL, 403)]
    asked += [("only-events", RECOMMEND, 403), ("only-events", MODEL, 403)]
    for key, path, expected in (*asked, ("wrong", RECOMMEND, 401), ("wrong", MODEL, 401)):
        assert await status(app, path, X_API_Key=key) == expected, (key, path)
    refused = await ask(app, "GET", MODEL, headers={"X-API-Key": "only-lists"})
    assert "only-lists" not in refused.text
    assert refused.json()["title"] == "Not with this key"


async def test_further_wrong_keys_are_429_and_the_right_one_passes_all_the_same() -> None:
    app = read_api(api_key=KEY, failures=2)
    wrong = [
        await ask(app, "GET", MODEL, headers={"X-API-Key": f"guess-{number}"})
        for number in range(3)
    ]
    assert [one.status_code for one in wrong] == [401, 401, 429]
    assert wrong[2].headers["Retry-After"] == "30"
    assert "guess" not in wrong[2].text
    assert await status(app, MODEL) == 401
    assert await status(app, MODEL, X_API_Key=KEY) == 200


async def test_a_key_in_the_query_is_not_shown() -> None:
    refused = await ask(read_api(), "GET", f"{RECOMMEND}&api_key=a-secret-guess")
    assert refused.status_code == 400
    assert refused.json()["parameter"] == "api_key"
    assert "a-secret-guess" not in refused.text


async def test_every_counted_answer_says_what_is_left() -> None:
    app = read_api(rate_per_minute=2)
    good = await ask(app, "GET", RECOMMEND)
    bad = await ask(app, "GET", "/api/recommend")
    refused = await ask(app, "GET", RECOMMEND)
    assert [one.status_code for one in (good, bad, refused)] == [200, 400, 429]
    assert [one.headers["RateLimit"] for one in (good, bad, refused)] == [
        '"minute";r=1;t=30',
        '"minute";r=0;t=60',
        '"minute";r=0;t=60',
    ]
    assert refused.headers["RateLimit-Policy"] == '"minute";q=2;w=60'
    assert refused.headers["Retry-After"] == "30"
    assert "RateLimit" not in (await ask(read_api(), "GET", RECOMMEND)).headers


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
async def test_an_ipv6_network_is_one_sender(first: str, second: str, *, shared: bool) -> None:
    app = read_api(rate_per_minute=1)
    answers = []
    for host in (first, second):
        transport = httpx.ASGITransport(app, client=(host, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            answers.append((await client.get(RECOMMEND)).status_code)
    assert answers == [200, 429 if shared else 200]
