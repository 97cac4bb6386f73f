"""`normalize_events`: every call type, every odd id, and what is kept of an event."""

import json
from typing import Any

import pytest

from core.events import InteractionEvent, encode_member
from core.normalizing.normalize import normalize_events
from tests.build import MAPPER, NOW_MS, WINDOW_MS, links, normalize


def one(**parts: Any) -> InteractionEvent:
    [event] = normalize({"type": "track", "userId": "u1", "messageId": "m1", **parts}).events
    return event


@pytest.mark.parametrize(
    ("given", "user_id"),
    [
        ({"userId": "ada"}, "ada"),
        ({"userId": " ada "}, "ada"),
        ({"userId": 12345}, "12345"),
        ({"userId": 123.5}, "123.5"),
        ({"userId": 77.0}, "77"),
        ({"userId": 9007199254740993}, "9007199254740993"),
        ({"userId": 123456789012345678901234}, "123456789012345678901234"),
        ({"userId": None, "anonymousId": "anon"}, "anon"),
        ({"userId": {"id": 1}, "anonymousId": "anon"}, "anon"),
        ({"userId": True, "anonymousId": 4}, "4"),
        ({"userId": "", "anonymousId": "anon"}, "anon"),
        ({"anonymousId": "anon"}, "anon"),
        ({"userId": "ユーザー-1"}, "ユーザー-1"),
    ],
)
def test_a_user_is_found_in_every_form(given: dict[str, Any], user_id: str) -> None:
    [event] = normalize({"type": "page", **given}).events
    assert event.user_id == user_id


@pytest.mark.parametrize("call", ["identify", "alias", "merge", "page", "screen", "group"])
def test_every_call_type_is_kept(call: str) -> None:
    [event] = normalize({"type": call, "userId": "u1"}).events
    assert event.kind == call


def test_the_path_names_the_type_of_a_bare_event() -> None:
    for event in ({"userId": "u1"}, {"userId": "u1", "type": "weird"}):
        body = json.dumps(event).encode()
        batch = normalize_events(
            body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS, call_type="screen"
        )
        assert [found.kind for found in batch.events] == ["screen"]


def test_the_path_leaves_the_types_of_a_batch_alone() -> None:
    [event] = normalize({"userId": "u1", "type": "page"}, call_type="screen").events
    assert event.kind == "page"


def test_a_merge_links_the_ids_that_it_names_and_no_address() -> None:
    merge = {
        "type": "merge",
        "mergeProperties": [
            {"type": "email", "value": "ada@example.com"},
            {"type": "user_id", "value": "ada"},
            {"type": "anonymousId", "value": 7},
            "noise",
        ],
    }
    found = normalize(merge)
    assert [event.user_id for event in found.events] == ["ada"]
    assert links(found) == {("7", "ada")}


def test_what_was_shown_counts_at_the_start_of_a_view_alone() -> None:
    shown = {"content": "1", "context": {"candidates": ["2"]}}
    assert one(event="CONTENT_VIEW_STARTED", properties=shown).impressions == ("2",)
    assert one(event="CONTENT_VIEW_ENDED", properties=shown).impressions == ()


def test_a_named_event_without_a_type_is_a_track() -> None:
    [event] = normalize({"userId": "u1", "event": "CONTENT_LOOKUP"}).events
    assert event.kind == "search"


def test_a_track_event_without_a_plan_is_kept_without_its_name_and_not_scored() -> None:
    event = one(event="Something Else", properties=None)
    assert (event.kind, event.name, event.content_id) == ("other", "", None)


def test_a_view_carries_its_item_session_and_what_was_shown_beside_it() -> None:
    event = one(
        event="CONTENT_VIEW_STARTED",
        properties={
            "content": {"content_id": "content_1234"},
            "context": {
                "candidates": ["content_1", {"content_id": 2}, {"id": "3"}, None, {}, "content_1"]
            },
        },
        context={"sessionId": 1732435200123},
    )
    assert event.kind == "view_started"
    assert event.content_id == "1234"
    assert event.session_id == "1732435200123"
    assert event.impressions == ("1", "2", "3")


@pytest.mark.parametrize("content", ["content_77", 77, {"content_id": 77}, {"id": "content_77"}])
def test_an_item_is_found_bare_or_in_an_object(content: Any) -> None:
    event = one(event="CONTENT_VIEW_STARTED", properties={"content": content})
    assert event.content_id == "77"


def test_the_end_of_a_view_carries_how_it_ended() -> None:
    event = one(
        event="CONTENT_VIEW_ENDED",
        properties={
            "content": "content_1",
            "details": {"reason": "next_button", "dwell_seconds": "12.5", "request_id": "r-1"},
        },
    )
    assert (event.reason, event.dwell_seconds, event.request_id) == ("next_button", 12.5, "r-1")


@pytest.mark.parametrize("dwell", [-1, "long", None, True, [], 1e400])
def test_a_dwell_that_is_no_time_is_not_observed(dwell: Any) -> None:
    event = one(
        event="CONTENT_VIEW_ENDED", properties={"content": "1", "details": {"dwell_seconds": dwell}}
    )
    assert event.dwell_seconds is None


def test_a_search_keeps_the_click_and_not_what_was_typed() -> None:
    event = one(
        event="CONTENT_LOOKUP",
        properties={"details": {"query_text": "my grandmother", "clicked_id": "content_9"}},
    )
    assert (event.kind, event.content_id) == ("search", "9")
    assert b"grandmother" not in encode_member(event)


@pytest.mark.parametrize(
    "answers",
    [
        {"q:personalization_theme": "Hiding", "q:name": "Ada Example"},
        [
            {"question_id": "q:personalization_theme", "answer": "Hiding"},
            {"question_id": "name", "answer": "Ada Example"},
            "noise",
        ],
    ],
)
def test_only_the_answers_that_the_plan_names_are_kept(answers: Any) -> None:
    event = one(event="SURVEY_SUBMITTED", properties={"answers": answers})
    assert event.answers == {"personalization_theme": "Hiding"}


def test_a_rating_belongs_to_its_item() -> None:
    event = one(
        event="SURVEY_ANSWERED",
        properties={"content": {"content_id": "content_5"}, "details": {"rating": "5"}},
    )
    assert (event.kind, event.content_id, event.rating) == ("survey", "5", 5.0)


def test_root_traits_win_and_others_than_the_plans_are_dropped() -> None:
    found = normalize(
        {
            "type": "identify",
            "userId": "u1",
            "anonymousId": "anon",
            "traits": {"age": 16, "email": "ada@example.com"},
            "context": {"traits": {"age": 99, "gender": "female", "phone": "1"}},
        }
    )
    assert found.events[0].answers == {"age": 16, "gender": "female"}
    assert links(found) == {("anon", "u1")}


def test_an_alias_links_the_previous_id() -> None:
    assert links(normalize({"type": "alias", "userId": "u1", "previousId": 42})) == {("42", "u1")}


def test_the_older_spelling_of_the_message_id_is_read() -> None:
    [event] = normalize({"type": "page", "userId": "u1", "message_id": "old-1"}).events
    assert event.message_id == "old-1"


def test_a_missing_message_id_comes_from_the_content() -> None:
    event = {"type": "page", "userId": "u1", "originalTimestamp": "2025-11-24T10:00:00Z"}
    first = normalize({**event, "sentAt": "a", "receivedAt": "2025-11-24T10:00:01Z"})
    again = normalize({**event, "sentAt": "b", "timestamp": "2025-11-24T10:00:02Z"})
    other = normalize({**event, "name": "Home"})
    assert first.events[0].message_id == again.events[0].message_id
    assert first.events[0].message_id != other.events[0].message_id


def test_a_retry_is_the_same_member() -> None:
    event = {
        "type": "track",
        "event": "X",
        "userId": "u1",
        "messageId": "m",
        "originalTimestamp": "2025-11-24T10:00:00Z",
    }
    [first] = normalize({**event, "sentAt": "2025-11-24T10:00:05Z"}).events
    [again] = normalize(
        {**event, "sentAt": "2025-11-24T11:00:05Z"}, arrived_ms=NOW_MS + 9000
    ).events
    assert encode_member(first) == encode_member(again)


def test_nan_from_the_python_sdk_is_not_observed() -> None:
    body = (
        b'{"batch":[{"type":"track","event":"CONTENT_VIEW_ENDED","userId":"u1",'
        b'"properties":{"content":"1","details":{"dwell_seconds":NaN,"reason":"link"}}}]}'
    )
    [event] = normalize_events(body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS).events
    assert (event.dwell_seconds, event.reason) == (None, "link")
