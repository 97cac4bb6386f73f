"""What `normalize_events` cannot use: a reason for each, and no harm to what stands beside it."""

import json
from typing import Any

import pytest

from core.normalizing.normalize import normalize_events
from core.normalizing.reasons import REJECT_REASONS
from tests.build import DAY_MS, MAPPER, NOW_MS, WINDOW_MS, normalize


def rejected(event: Any) -> str:
    batch = normalize(event)
    assert batch.events == ()
    [rejection] = batch.rejections
    return rejection.reason


@pytest.mark.parametrize("depth", range(880, 1100, 4))
def test_an_event_at_the_edge_of_the_decoders_depth_costs_its_neighbours_nothing(
    depth: int,
) -> None:
    good = {"type": "page", "userId": "u1"}
    nested = '{"a":' * depth + "1" + "}" * depth
    for deep in (
        f'{{"type":"track","event":"CONTENT_VIEW_ENDED","userId":"u2","properties":{nested}}}',
        f'{{"type":{nested},"userId":"u2"}}',
        f'{{"type":"track","event":"CONTENT_VIEW_ENDED","userId":"u2","properties":{{"content":"1","reason":{nested}}}}}',
        nested,
    ):
        body = f"[{json.dumps(good)},{deep},{json.dumps(good)}]".encode()
        batch = normalize_events(body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS)
        assert [event.user_id for event in batch.events if event.user_id == "u1"] == ["u1", "u1"]
        assert len(batch.events) + len(batch.rejections) == 3


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (None, "not_an_object"),
        ("text", "not_an_object"),
        ({"userId": "u1"}, "no_type"),
        ({"type": "teleport", "userId": "u1"}, "unknown_type"),
        ({"type": "track", "event": "X"}, "no_user"),
        ({"type": "track", "event": "X", "userId": {"id": 1}}, "no_user"),
        ({"type": "track", "event": "X", "userId": "u" * 513}, "user_id_too_long"),
        ({"type": "track", "userId": "u1"}, "no_name"),
        ({"type": "track", "userId": "u1", "event": {}}, "no_name"),
        ({"type": "track", "userId": "u1", "event": "CONTENT_VIEW_STARTED"}, "no_content"),
    ],
)
def test_what_cannot_be_used_has_a_reason(event: Any, reason: str) -> None:
    assert rejected(event) == reason
    assert reason in REJECT_REASONS


def test_a_bad_event_costs_its_neighbours_nothing() -> None:
    good = {"type": "page", "userId": "u1"}
    batch = normalize(good, 7, {**good, "userId": "u2"}, {"type": "track"})
    assert [event.user_id for event in batch.events] == ["u1", "u2"]
    assert [rejection.reason for rejection in batch.rejections] == ["not_an_object", "no_user"]


def test_a_rejection_keeps_the_message_id_and_the_event() -> None:
    event = {"type": "track", "messageId": "m-9", "properties": {"n": [1]}}
    [rejection] = normalize(event).rejections
    assert rejection.message_id == "m-9"
    assert json.loads(rejection.body) == event


def test_a_body_that_is_no_json_is_one_rejection() -> None:
    batch = normalize_events(b"<x/>", MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS)
    [rejection] = batch.rejections
    assert (rejection.reason, rejection.body) == ("malformed", b"<x/>")


def test_what_is_older_than_the_window_is_counted_and_left_out() -> None:
    fresh = {"type": "page", "userId": "u1", "timestamp": (NOW_MS - 29 * DAY_MS)}
    old = {"type": "page", "userId": "u1", "timestamp": (NOW_MS - 31 * DAY_MS)}
    batch = normalize(fresh, old)
    assert len(batch.events) == 1
    assert batch.expired == 1
    assert batch.rejections == ()


def test_a_rejection_knows_what_the_path_said_of_a_bare_event_alone() -> None:
    for body, call_type in ((b'{"event": "X"}', "track"), (b'[{"event": "X"}]', None)):
        batch = normalize_events(
            body, MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS, call_type="track"
        )
        assert [one.call_type for one in batch.rejections] == [call_type]
