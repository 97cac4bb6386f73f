"""`POST /api/recommend/preview`: the list of somebody who is so."""

from typing import Any

import msgspec
import pytest

from adapters.contents import open_content_store
from adapters.settings import SharedSettings
from serve_api.endpoints.batch import BatchBody
from serve_api.endpoints.preview_body import PreviewBody
from tests.build import NOW_MS
from tests.serving import served

PATH = "/api/recommend/preview"
TWO = ("hiding-0", "hiding-1")


async def preview(**body: Any) -> Any:
    async with served() as api:
        return await api.post(PATH, **body)


async def refused(**body: Any) -> Any:
    async with served() as api:
        answer = await api.http.post(PATH, json=body)
    assert answer.status_code == 400, answer.text
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [item["content_id"] for item in answer["items"]]


def themes(answer: Any) -> list[str]:
    return [item.partition("-")[0] for item in ids(answer)]


async def test_likes_bring_their_theme_up_and_are_not_shown() -> None:
    answer = await preview(liked=list(TWO), limit=6)
    assert themes(answer)[:4] == ["hiding"] * 4
    assert not {*TWO} & {*ids(answer)}
    assert (answer["user_id"], answer["strategy"]) == ("preview", "warm")
    assert answer["preview"]["tag_affinity"]["theme_what:Hiding"] == 1.0


async def test_tags_alone_lead_a_cold_list() -> None:
    answer = await preview(tags=["theme_what:Music"], limit=5)
    assert answer["strategy"] == "cold_persona"
    assert themes(answer) == ["music"] * 5


async def test_a_stronger_like_and_a_heavier_tag_count_more() -> None:
    weights = (await preview(liked={"hiding-0": 0.2, "music-0": 0.9}))["preview"]["tag_affinity"]
    assert weights["theme_what:Music"] > weights["theme_what:Hiding"]
    answer = await preview(tags={"theme_what:Music": 1.0, "theme_what:Hiding": 0.1}, limit=4)
    assert themes(answer) == ["music"] * 4


async def test_what_is_disliked_or_avoided_is_pushed_down() -> None:
    for avoided in ({"disliked": ["bombing-0"]}, {"avoid_tags": ["theme_what:Bombing"]}):
        answer = await preview(liked=["hiding-0"], limit=20, **avoided)
        parts = [item["contributions"] for item in answer["items"] if "bombing" in str(item)]
        assert max(part["aversion"] for part in parts) < 0


async def test_the_last_viewed_is_near_by_itself_or_as_the_first_seen() -> None:
    named = await preview(last_viewed="rescue-0", seen=["music-0"])
    assert all("recency" in item["contributions"] for item in named["items"])
    assert "rescue-0" not in ids(named)
    first = await preview(seen=["rescue-0", "music-0"])
    assert first["items"] == named["items"]


async def test_filter_place_and_exclusion_hold_as_in_any_list() -> None:
    answer = await preview(
        liked=["hiding-0"],
        filter=["theme_what:Music", "!person_who.group:Group 2"],
        language="de",
        near="54.0,13.0",
        radius_m=50_000,
        exclude=["music-1"],
        include_content=True,
        limit=10,
    )
    assert {*ids(answer)} == {"music-0", "music-3", "music-4"}
    assert answer["items"][0]["content"]["title"].startswith("Music")
    assert "geo" in answer["items"][0]["contributions"]


async def test_the_same_body_gives_the_same_bytes_and_another_model_another_id() -> None:
    async with served() as api:
        bodies: list[dict[str, Any]] = [{"liked": TWO}, {"liked": TWO}, {"liked": TWO[:1]}]
        one, again, other = [(await api.http.post(PATH, json=body)).content for body in bodies]
    assert one == again
    assert msgspec.json.decode(one)["request_id"] != msgspec.json.decode(other)["request_id"]


async def test_a_moment_and_a_seed_may_be_given() -> None:
    answer = await preview(at=0, seed=7)
    assert (answer["diagnostics"]["at_ms"], answer["diagnostics"]["ranking"]["seed"]) == (0, 7)
    now = await preview()
    assert now["diagnostics"]["at_ms"] == NOW_MS
    assert now["diagnostics"]["model_age_ms"] == 0


async def test_every_item_is_explained_when_asked() -> None:
    answer = await preview(liked=["hiding-0"], explain=True, limit=3)
    liked = [item["explanation"]["evidence"]["liked"]["content_id"] for item in answer["items"]]
    assert liked == ["hiding-0"] * 3


async def test_tags_that_no_item_has_are_named_in_the_answer() -> None:
    answer = await preview(tags=["theme_what: HIDING", "theme_what:Hidden"], avoid_tags=["a:b"])
    assert answer["preview"]["unmatched_tags"] == ["a:b", "theme_what:Hidden"]


async def test_all_items_that_there_are_not_are_named() -> None:
    problem = await refused(
        liked=["hiding-0", "x"], disliked={"y": 1}, seen=["z", "x"], last_viewed="w"
    )
    assert problem["value"] == ["x", "y", "z", "w"]
    assert problem["parameter"] == "liked, disliked, seen, last_viewed"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"liked": ["hiding-0"], "disliked": ["hiding-0"]}, "disliked"),
        ({"liked": {"hiding-0": 0}}, "liked"),
        ({"liked": {"hiding-0": 1.5}}, "liked"),
        ({"tags": {"Hiding": 1}}, "tags"),
        ({"tags": [f"a:{number}" for number in range(41)]}, "tags"),
        ({"limit": 101}, "limit"),
        ({"limt": 1}, "limt"),
        ({"radius_m": 5}, "radius_m"),
        ({"near": "here"}, "near"),
    ],
)
async def test_what_cannot_be_used_is_named(body: Any, parameter: str) -> None:
    assert (await refused(**body))["parameter"] == parameter


async def test_the_examples_of_the_bodies_work_with_the_bundled_catalogue() -> None:
    async with served(contents=open_content_store(SharedSettings())) as api:
        answer = await api.post(PATH, **_example(PreviewBody))
        assert answer["preview"]["unmatched_tags"] == []
        assert len(answer["items"]) == 5
        answers = (await api.post("/api/recommend/batch", **_example(BatchBody)))["answers"]
        assert [one["user_id"] for one in answers] == ["ada", "grace"]


def _example(body: type[msgspec.Struct]) -> dict[str, Any]:
    """As the snippets of the documentation have it."""
    fields = msgspec.json.schema(body)["$defs"][body.__name__]["properties"]
    return {name: one["examples"][0] for name, one in fields.items() if "examples" in one}


async def test_two_previews_of_one_id_are_the_same_bytes() -> None:
    async with served() as api:

        async def ask(**body: Any) -> tuple[str, bytes]:
            answer = await api.http.post("/api/recommend/preview", json=body | {"at": NOW_MS})
            return answer.json()["request_id"], answer.content

        assert await ask(tags=["x:1", "y:2"]) == await ask(tags=["y:2", "x:1"])
        plain, unmatched = await ask(), await ask(tags={"x:1": 0.0})
        assert plain[0] != unmatched[0], "the one tells of a tag that no item has"
