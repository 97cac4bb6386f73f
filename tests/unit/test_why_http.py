"""`why` and explanations over HTTP, in process."""

from typing import Any

import httpx
import pytest

from tests.serving import served
from tests.unit.test_why import CLOSE, FAR, MODEL, recommender


@pytest.fixture
async def client() -> Any:
    _, models, store = recommender(*CLOSE, FAR)
    await models.save_signals([MODEL])
    async with served(contents=store, models=models) as api:
        yield api.http


async def test_over_http_an_answer_is_explained_when_asked(client: httpx.AsyncClient) -> None:
    plain = (await client.get("/api/recommend?user_id=u1")).json()
    found = (await client.get("/api/recommend?user_id=u1&explain=1")).json()
    assert not any("explanation" in item for item in plain["items"])
    for item in found["items"]:
        explanation = item.pop("explanation")
        assert explanation["reason"]
        assert {one["name"] for one in explanation["scorers"]} == set(item["contributions"])
    assert found["items"] == plain["items"]


async def test_over_http_why_takes_the_parameters_of_a_list(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/api/recommend?user_id=u1&limit=3")).json()["items"]
    asked = "/api/why?user_id=u1&limit=3&content_id="
    for item in listed:
        found = (await client.get(asked + item["content_id"])).json()
        assert (found["outcome"], found["rank"]) == ("listed", item["rank"])
    outcomes = {
        "far": "outscored",
        "far&filter=theme:Music": "filtered",
        "far&filter=!theme:war": "filtered",
        "far&exclude=far": "excluded",
        "far&session=far": "excluded",
        "far&near=52.5,13.4&radius_m=100": "too_far",
        "liked": "seen",
    }
    for query, outcome in outcomes.items():
        found = (await client.get(asked + query)).json()
        assert found["outcome"] == outcome, query
        assert found["sentence"]


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("user_id=u1&content_id=nobody", 404, "content_id"),
        ("user_id=u1", 400, "content_id"),
        ("content_id=far", 400, "user_id"),
        ("user_id=u1&content_id=far&limit=101", 400, "limit"),
        ("user_id=u1&content_id=far&radius_m=5", 400, "radius_m"),
        ("user_id=u1&content_id=far&explain=1", 400, "explain"),
    ],
)
async def test_over_http_a_bad_question_is_a_problem(
    client: httpx.AsyncClient, query: str, status: int, named: str | None
) -> None:
    answer = await client.get(f"/api/why?{query}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json().get("parameter") == named
