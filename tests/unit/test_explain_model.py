"""`GET /api/usermodel/explain`: a model and what every number of it comes from."""

from typing import Any

import msgspec
import pytest

from adapters.memory.content_store import InMemoryContentStore
from core.signals import Behavior
from core.telling.style import style_of
from tests.build import DAY_MS, MINUTE_MS, NOW_MS, content, event, read
from tests.serving import served

PATH = "/api/usermodel/explain"
AGO_14_DAYS = NOW_MS - 14 * DAY_MS


async def explained(*events: Any) -> Any:
    async with served(*events) as api:
        return await api.get(PATH)


async def test_a_like_is_told_with_its_parts() -> None:
    told = await explained(read("hiding-0", 30, "link", ts_ms=AGO_14_DAYS))
    [like] = told["likes"]
    assert (like["content_id"], like["title"], like["decayed"]) == ("hiding-0", "Hiding-0", 0.24)
    found = like["evidence"]
    assert [
        (one["name"], one["observed"], one["value"], one["weight"]) for one in found["components"]
    ] == [
        ("dwell_ratio", True, 0.75, 0.4),
        ("completion", True, 0.6, 0.3),
        ("revisit", True, 0.0, 0.2),
        ("survey", False, None, 0.1),
    ]
    assert [one["contribution"] for one in found["components"]] == pytest.approx([0.3, 0.18, 0, 0])
    assert found["strength"] == pytest.approx(0.48)
    assert (found["age_days"], found["decay"], found["decided_by"]) == (14.0, 0.5, "reading")
    assert (found["reading_seconds"], found["dwell_seconds"], found["ended"]) == (20.0, 30, "link")


async def test_a_tag_is_told_with_who_gave_how_much() -> None:
    told = await explained(
        read("hiding-0", 40),
        read("hiding-1", 40),
        event("survey", answers={"q": 1, "personalization_theme": "Hiding"}),
    )
    interest = next(one for one in told["interests"] if one["tag"] == "theme_what:Hiding")
    assert (interest["weight"], interest["gifts"][0]["by"]) == (1.0, "answer")
    assert interest["gifts"][0]["answers"] == ["personalization_theme"]
    assert [one.get("content_id") for one in interest["gifts"]] == [None, "hiding-0", "hiding-1"]
    assert [round(one["given"], 3) for one in interest["gifts"]] == [1.0, 0.7, 0.7]
    assert interest["total"] == interest["scale"] == pytest.approx(2.4, abs=1e-3)
    assert told["persona"]["named"] == [
        {
            "key": "personalization_theme",
            "answer": "Hiding",
            "tag": "theme_what:Hiding",
            "weight": 1.0,
        }
    ]


async def test_a_dislike_gives_its_tags_to_the_aversions() -> None:
    told = await explained(read("bombing-0", 1, "abandon"))
    [dislike] = told["dislikes"]
    aversion = next(one for one in told["aversions"] if one["tag"] == "theme_what:Bombing")
    assert dislike["decayed"] < 0
    assert aversion["gifts"][0]["strength"] == pytest.approx(-dislike["decayed"], abs=1e-4)
    assert aversion["gifts"][0]["title"] == "Bombing-0"


@pytest.mark.parametrize(
    ("happened", "decided_by"),
    [
        (event("survey", "hiding-0", rating=5.0), "rating"),
        (event("interaction", "hiding-0", strength=0.9), "event"),
    ],
)
async def test_what_was_said_outright_is_told_as_what_decided(
    happened: Any, decided_by: str
) -> None:
    [like] = (await explained(happened))["likes"]
    found = like["evidence"]
    assert found["decided_by"] == decided_by
    assert found["suggested"] < found["strength"]
    components = {one["name"]: one["observed"] for one in found["components"]}
    assert components["revisit"] is False, "who never viewed it cannot have come back"


async def test_a_close_after_a_full_read_is_told_with_the_weight_that_it_had() -> None:
    [like] = (await explained(read("hiding-0", 40, "close_button")))["likes"]
    dwell, completion, *_ = like["evidence"]["components"]
    assert (dwell["weight"], dwell["contribution"]) == (0.7, 0.7)
    assert (completion["observed"], completion["contribution"]) == (False, 0.0)


async def test_what_was_shown_and_never_opened_is_told() -> None:
    told = await explained(event("view_started", "hiding-0", impressions=("music-0",)))
    [passed] = told["unopened"]
    assert (passed["content_id"], passed["title"]) == ("music-0", "Music-0")
    assert passed["strength"] == pytest.approx(-0.3, abs=1e-3)
    assert passed["last_shown_ms"] == NOW_MS - MINUTE_MS


async def test_window_and_versions_are_those_of_the_stored_model() -> None:
    async with served(read("hiding-0", 40)) as api:
        told, model = await api.get(PATH), await api.model()
    assert told["window"]["digest"] == model.window.digest
    assert told["model"]["revision"] == model.revision
    assert told["model"]["age_ms"] == 0
    assert told["model"]["config_version"] == told["model"]["config_version_now"]
    assert (told["matches_model"], told["differs"], told["newer_events"]) == (True, [], 0)


async def test_newer_events_are_counted_and_no_part_of_the_explanation() -> None:
    async with served(read("hiding-0", 40)) as api:
        before = await api.get(PATH)
        later = {"ts_ms": NOW_MS - MINUTE_MS, "message_id": "zz"}  # even of the same millisecond
        await api.append(read("music-0", 40, **later), event("page", ts_ms=NOW_MS))
        after = await api.get(PATH)
    assert (after["matches_model"], after["newer_events"]) == (True, 2)
    assert after["likes"] == before["likes"]
    assert after["interests"] == before["interests"]


async def test_an_event_that_came_late_makes_the_explanation_say_that_it_differs() -> None:
    async with served(read("hiding-0", 40)) as api:
        await api.append(read("music-0", 40, ts_ms=NOW_MS - DAY_MS))
        told = await api.get(PATH)
    assert (told["matches_model"], told["newer_events"]) == (False, 1)
    assert "positives" in told["differs"]
    assert [one["content_id"] for one in told["likes"]] == ["hiding-0"], "the stored model's"


async def test_without_its_events_the_model_is_told_alone() -> None:
    async with served(read("hiding-0", 40), read("hiding-1", 40), read("hiding-2", 40)) as api:
        whole, model = await api.get(PATH), await api.model()
    async with served() as api:
        await api.models.save_signals([model])
        told = await api.get(PATH)
    assert (told["matches_model"], told["newer_events"]) == (False, 0)
    assert told["likes"][0] == whole["likes"][0] | {"evidence": None}
    assert told["interests"][0] == {
        "tag": whole["interests"][0]["tag"],
        "weight": whole["interests"][0]["weight"],
        "gifts": [],
        "total": None,
        "scale": None,
    }
    assert told["style"] == whole["style"]
    assert told["window"] == whole["window"]


async def test_a_catalogue_that_says_otherwise_by_now_is_named() -> None:
    old = content("a", tags=("theme_what:Old",))
    new = content("a", tags=("theme_what:New",))
    async with served(read("a", 40), contents=InMemoryContentStore([old])) as api:
        model = await api.model()
    async with served(read("a", 40), contents=InMemoryContentStore([new])) as api:
        await api.models.save_signals([_later(model)])
        told = await api.get(PATH)
    assert "tag_affinity" in told["differs"]
    assert told["interests"] == [
        {"tag": "theme_what:Old", "weight": 0.7, "gifts": [], "total": None, "scale": None}
    ]
    assert told["likes"][0]["evidence"]["strength"] == pytest.approx(0.7)
    assert told["model"]["catalogue_version"] != told["model"]["catalogue_version_now"]


async def test_a_stranger_is_404() -> None:
    async with served() as api:
        answer = await api.http.get(PATH, params={"user_id": "nobody"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def _later(model: Any) -> Any:
    return msgspec.structs.replace(model, revision=model.revision + 1)


@pytest.mark.parametrize(
    ("figures", "says"),
    [
        ({"average_dwell_ratio": 1 / 6}, "skims: 33% of the reading time"),
        ({"average_dwell_ratio": 0.3}, "reads parts: 60% of the reading time"),
        ({"average_dwell_ratio": 0.5}, "takes about the reading time of a story"),
        (
            {"average_dwell_ratio": 0.9},
            "takes half as long again as a story's reading time, or longer",
        ),
        ({"completion_rate": 0.8}, "goes on from most stories to the next one or by a link (80%)"),
        ({"completion_rate": 0.1}, "mostly closes or leaves stories; goes on from 10%"),
        ({"revisit_rate": 0.5}, "often comes back to stories (50% of those viewed)"),
        ({"revisit_rate": 0.0}, "seldom comes back to a story (0% of those viewed)"),
        ({"impressions": 45}, "seldom opens what is shown (10%)"),
        ({"impressions": 5}, "opens most of what is shown (50%)"),
    ],
)
def test_the_style_is_said_in_words(figures: Any, says: str) -> None:
    [sentence] = style_of(Behavior(**{"items": 5} | figures)).sentences
    assert sentence.says == says


def test_of_too_few_items_nothing_is_said() -> None:
    one_read = Behavior(items=2, average_dwell_ratio=1.0, completion_rate=1.0, revisit_rate=0.0)
    assert style_of(one_read).sentences == ()
