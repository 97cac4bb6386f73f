"""What is read most over HTTP: every answer and error, and Redis away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from adapters.process import clock_ms
from core.errors import RetryableError
from serve_api.latest_views import LatestViews
from tests.build import DAY_MS
from tests.unit.catalogue_client import CATALOGUE, Client, Store, app_of, save_views


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client(app_of())
    yield client
    await client.http.aclose()


async def test_before_the_first_count_the_catalogue_ranks(client: Client) -> None:
    found = await client.json("/api/popular", limit=3)
    assert [item["source"] for item in found["items"]] == ["catalogue"] * 3
    assert (found["counted_at_ms"], found["visitors"], found["events"]) == (None, 0, 0)
    assert found["half_life_days"] == 4.0, "that of the settings"
    assert found["catalogue_version"] == CATALOGUE.version


async def test_views_rank_with_the_half_life_that_is_asked_for() -> None:
    store = Store()
    await save_views({"song": 3, "opera": 1, "hidden": 9}, store, days_ago=2)
    views = LatestViews(store)
    client = Client(app_of(views=views))
    await views.look()
    found = await client.json("/api/popular", limit=2, half_life_days=2, include_content=1)
    assert [(one["content_id"], one["score"], one["views"]) for one in found["items"]] == [
        ("song", 1.5, 3),
        ("opera", 0.5, 1),
    ]
    assert found["items"][1]["content"] == await client.json("/api/content/opera")
    assert (found["visitors"], found["events"]) == (13, 13)
    then = clock_ms() - 3 * DAY_MS
    earlier = await client.json("/api/popular", limit=2, at=then)
    assert {item["source"] for item in earlier["items"]} == {"catalogue"}
    scoped = await client.json("/api/popular", filter="theme:music", near="50.5,14.1", radius_m=500)
    assert [one["content_id"] for one in scoped["items"]] == ["opera"]
    assert await client.found("/api/popular", limit=1, exclude="song") == ["opera"]
    assert await client.found("/api/popular", limit=1, filter="!length:short") == ["opera"]
    assert "opera" not in await client.found("/api/popular", language="de")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"half_life_days": 0}, "half_life_days"),
        ({"half_life_days": -1}, "half_life_days"),
        ({"half_life_days": 365.5}, "half_life_days"),
        ({"half_life_days": "nan"}, "half_life_days"),
        ({"half_life_days": "inf"}, "half_life_days"),
        ({"half_life_days": "a week"}, "half_life_days"),
        ({"limit": 21}, "limit"),
        ({"radius_m": 5}, "radius_m"),
        ({"filter": "Music"}, "filter"),
        ({"seed": 1}, "seed"),
    ],
)
async def test_a_bad_parameter_is_named(
    client: Client, query: dict[str, Any], parameter: str
) -> None:
    answer = await client.get("/api/popular", params=query)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter
    assert answer.json()["allowed"]


@pytest.mark.parametrize("half_life", ["1e-320", "0.001", "365"])
async def test_any_half_life_that_is_allowed_is_answered(half_life: str) -> None:
    store = Store()
    await save_views({"song": 3}, store, days_ago=29)
    views = LatestViews(store)
    await views.look()
    [best, *_] = (await Client(app_of(views=views)).json("/api/popular", half_life_days=half_life))[
        "items"
    ]
    assert (best["content_id"], best["views"], best["source"]) == ("song", 3, "views")


async def test_a_new_count_makes_a_new_tag() -> None:
    store = Store()
    views = LatestViews(store)
    client = Client(app_of(views=views))
    tags = []
    for number in (1, 1, 2):
        await save_views({"song": number}, store)
        await views.look()
        tags.append((await client.get("/api/popular")).headers["etag"])
        same = await client.get("/api/popular", headers={"If-None-Match": tags[-1]})
        assert same.status_code == 304
    assert tags[2] not in tags[:2]


async def test_while_redis_is_away_the_last_count_is_answered_from() -> None:
    store = Store()
    await save_views({"song": 1}, store)
    views = LatestViews(store)
    client = Client(app_of(views=views))
    await views.look()
    store.is_away = True
    with pytest.raises(RetryableError):
        await views.look()
    assert (await client.found("/api/popular"))[0] == "song"
    store.is_away = False
    store._version = None
    await views.look()
    found = await client.json("/api/popular")
    assert found["counted_at_ms"] is None


async def test_it_asks_by_itself_through_an_outage() -> None:
    store = Store()
    store.is_away = True
    views = LatestViews(store, every_s=0.01)
    running = asyncio.create_task(views.run())
    await asyncio.sleep(0.05)
    assert views.counts() is None
    store.is_away = False
    async with asyncio.timeout(20):
        for number in (1, 2):
            await save_views({"song": number}, store)
            while (found := views.counts()) is None or found.visitors != number:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
