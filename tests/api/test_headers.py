"""What every answer says to browsers and caches, and to whom pages of other origins belong."""

import httpx
import pytest

from tests.api.asking import ask
from tests.api.services import KEY, read_api, read_api_without_stores, webhook

RECOMMEND = "/api/recommend?user_id=ada"
ORIGIN = "https://app.example.org"


def assert_secured(answer: httpx.Response) -> None:
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", RECOMMEND, 200),
        ("GET", "/api/recommend", 400),
        ("GET", "/api/recommend/", 404),
        ("POST", RECOMMEND, 405),
        ("OPTIONS", RECOMMEND, 204),
        ("HEAD", RECOMMEND, 200),
        ("GET", "/nothing", 404),
        ("GET", "/metrics", 200),
        ("GET", "/docs", 200),
        ("GET", "/docs/swagger-ui.css", 200),
        ("GET", "/docs/swagger-editor.css", 404),
    ],
)
async def test_every_answer_is_secured(method: str, path: str, status: int) -> None:
    answer = await ask(read_api(), method, path)
    assert answer.status_code == status
    assert_secured(answer)


@pytest.mark.parametrize(
    ("path", "status"), [("/api/ingest", 405), ("/healthz", 200), ("/nothing", 404)]
)
async def test_the_webhook_is_secured_too(path: str, status: int) -> None:
    answer = await ask(webhook(), "GET", path)
    assert answer.status_code == status
    assert_secured(answer)


async def test_unknown_paths_and_methods_are_problem_documents() -> None:
    for method, path, status in (("GET", "/nothing", 404), ("DELETE", RECOMMEND, 405)):
        answer = await ask(read_api(), method, path)
        assert answer.status_code == answer.json()["status"] == status
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


async def test_options_says_which_methods_there_are() -> None:
    answer = await ask(read_api(), "OPTIONS", "/api/recommend")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_what_is_said_of_a_visitor_is_kept_by_nobody() -> None:
    app = read_api()
    kept = {}
    for path in (RECOMMEND, "/api/usermodel?user_id=ada", "/api/usermodel?user_id=x", "/healthz"):
        kept[path] = (await ask(app, "GET", path)).headers["Cache-Control"]
    assert list(kept.values()) == ["private, no-cache", "private, no-store", "no-store", "no-store"]


async def test_a_problem_is_kept_by_nobody() -> None:
    for app, path in ((read_api(), "/api/recommend"), (read_api_without_stores(), RECOMMEND)):
        assert (await ask(app, "GET", path)).headers["Cache-Control"] == "no-store"


async def test_pages_of_other_origins_may_read_nothing_unless_the_settings_name_them() -> None:
    answer = await ask(read_api(), "GET", RECOMMEND, headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("origins", [(ORIGIN,), ("*",)])
async def test_pages_of_named_origins_may_read_answers_and_their_headers(
    origins: tuple[str, ...],
) -> None:
    app = read_api(cors_origins=origins, rate_per_minute=100)
    for path in (RECOMMEND, "/api/recommend", "/nothing"):
        answer = await ask(app, "GET", path, headers={"Origin": ORIGIN})
        assert answer.headers["Access-Control-Allow-Origin"] == origins[0]
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert set(exposed) == {"ETag", "RateLimit", "RateLimit-Policy", "Retry-After"}
        assert_secured(answer)
    other = await ask(app, "GET", RECOMMEND, headers={"Origin": "https://other.example.org"})
    assert ("Access-Control-Allow-Origin" in other.headers) is (origins == ("*",))


async def test_a_page_may_ask_beforehand_whether_it_may_send_a_key() -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-api-key, content-type, authorization, if-none-match",
    }
    app = read_api(cors_origins=(ORIGIN,), api_key=KEY, require_key=True, rate_per_minute=1)
    for _ in range(3):  # without a key, and not counted
        answer = await ask(app, "OPTIONS", RECOMMEND, headers=asked)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert_secured(answer)
    refused = await ask(app, "OPTIONS", RECOMMEND, headers=asked | {"Origin": "https://evil.org"})
    assert refused.status_code == 400
    assert "Access-Control-Allow-Origin" not in refused.headers
