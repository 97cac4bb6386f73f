"""`GET /api/usermodel/history`: what a visitor did, and what each event did to the model."""

import asyncio
from typing import Any

import pytest

from core.events import InteractionEvent
from core.modelling.observations import distinct
from core.telling.cursor import Cursor, read_cursor
from tests.build import MINUTE_MS, NOW_MS, event, read
from tests.serving import served

PATH = "/api/usermodel/history"


def pages_of(count: int) -> list[InteractionEvent]:
    """Events of one millisecond."""
    return [event("page", message_id=f"m{number}") for number in range(count)]


def messages(answer: Any) -> list[str]:
    return [line["message_id"] for line in answer["page"]]


async def test_a_read_is_told_with_what_it_changed() -> None:
    liked = read("hiding-0", 40, ts_ms=NOW_MS, session_id="s")
    async with served(event("page", ts_ms=NOW_MS - MINUTE_MS), liked) as api:
        told = await api.get(PATH)
    [line, page] = told["page"]
    assert (line["kind"], line["title"], line["dwell_seconds"]) == ("view_ended", "Hiding-0", 40)
    assert line["reason"] == "next_button"
    assert line["change"]["items"] == [
        {
            "content_id": "hiding-0",
            "title": "Hiding-0",
            "before": None,
            "after": {"list": "likes", "strength": 0.7, "rank": 1},
        }
    ]
    assert line["change"]["affinity"] == [
        {"tag": "person_who.group:Group 0", "before": None, "after": 0.7},
        {"tag": "theme_what:Hiding", "before": None, "after": 0.7},
    ]
    assert line["change"]["viewed"] == [{"content_id": "hiding-0", "before": None, "after": NOW_MS}]
    assert not line["changed_nothing"]
    assert (page["changed_nothing"], page["change"]) == (True, {})
    assert (told["events"], told["at_ms"], told["next_before"]) == (2, NOW_MS, None)


async def test_a_rating_moves_an_item_from_the_dislikes_to_the_likes() -> None:
    left = read("hiding-0", 1, "abandon", ts_ms=NOW_MS - MINUTE_MS)
    async with served(left, event("survey", "hiding-0", rating=5.0, ts_ms=NOW_MS)) as api:
        rated = (await api.get(PATH, limit=1))["page"][0]
    [change] = rated["change"]["items"]
    assert (change["before"]["list"], change["after"]["list"]) == ("dislikes", "likes")
    assert change["before"]["strength"] < 0 < change["after"]["strength"]
    gone = {one["tag"]: one["after"] for one in rated["change"]["aversion"]}
    assert gone["theme_what:Hiding"] is None


async def test_an_answer_changes_who_somebody_is() -> None:
    async with served(event("identify", answers={"age": 70})) as api:
        [line] = (await api.get(PATH))["page"]
    assert line["answers"] == {"age": 70}
    assert line["change"]["persona"] == [{"name": "age_group", "before": None, "after": "senior"}]


async def test_fading_is_no_part_of_a_change() -> None:
    old = read("hiding-0", 40, ts_ms=NOW_MS - 14 * 24 * 60 * MINUTE_MS)
    async with served(old, event("page", ts_ms=NOW_MS)) as api:
        page, liked = (await api.get(PATH))["page"]
    assert page["changed_nothing"]
    assert liked["change"]["items"][0]["after"]["strength"] == 0.35


async def test_events_of_one_millisecond_are_all_on_one_page_or_another() -> None:
    async with served(*pages_of(7)) as api:
        found: list[list[str]] = []
        before: dict[str, Any] = {}
        for _ in range(3):
            answer = await api.get(PATH, limit=3, **before)
            found.append(messages(answer))
            before = {"before": answer["next_before"]}
    assert found == [["m6", "m5", "m4"], ["m3", "m2", "m1"], ["m0"]]
    assert before == {"before": None}


async def test_what_happens_meanwhile_moves_no_page() -> None:
    async with served(*pages_of(4)) as api:
        first = await api.get(PATH, limit=2)
        await api.append(event("page", ts_ms=NOW_MS + 5, message_id="new"))
        second = await api.get(PATH, limit=2, before=first["next_before"])
    assert messages(first) + messages(second) == ["m3", "m2", "m1", "m0"]


def test_a_cursor_whose_event_is_gone_goes_on_where_it_was() -> None:
    events = [event("page", message_id=f"m{n}", ts_ms=NOW_MS + n) for n in range(4)]
    members = distinct(events, since_ms=0)
    member, gone = list(members.items())[2]
    cursor = read_cursor(Cursor.at(NOW_MS, member, gone).text())
    assert cursor.end_in(members) == 2
    assert cursor.end_in(distinct([events[0], events[1], events[3]], since_ms=0)) == 2


@pytest.mark.parametrize("before", ["x", "W10", "é", "WzEsWzEsMCwiYSIsIiJdLDFd", ""])
async def test_what_is_no_cursor_is_named(before: str) -> None:
    async with served(*pages_of(2)) as api:
        answer = await api.http.get(PATH, params={"user_id": "u1", "before": before})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "before"


@pytest.mark.parametrize("limit", [0, 51])
async def test_a_page_is_bounded(limit: int) -> None:
    async with served(*pages_of(2)) as api:
        answer = await api.http.get(PATH, params={"user_id": "u1", "limit": limit})
    assert answer.json()["allowed"] == "a whole number from 1 to 50"


async def test_a_stranger_is_404_and_who_has_a_model_alone_has_an_empty_history() -> None:
    async with served(read("hiding-0", 40)) as api:
        assert (await api.http.get(PATH, params={"user_id": "nobody"})).status_code == 404
        model = await api.model()
    async with served() as api:
        await api.models.save_signals([model])
        told = await api.get(PATH)
    assert (told["page"], told["events"], told["next_before"]) == ([], 0, None)


async def test_others_have_their_turn_between_two_models() -> None:
    async with served(*pages_of(40)) as api:
        told = asyncio.create_task(api.get(PATH, limit=30))
        turns = 0
        while not told.done():
            await asyncio.sleep(0)
            turns += 1
        assert len((await told)["page"]) == 30
    assert turns > 30
