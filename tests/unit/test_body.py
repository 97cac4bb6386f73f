"""Bodies of every form RudderStack and its SDKs send, and broken ones beside good ones."""

import json

import pytest

from core.normalizing.body import Malformed, NotJsonError, count_events, split_body

DEEP = b"[" * 5000 + b"]" * 5000


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"type":"track"}', 1),
        (b'[{"a":1},{"a":2}]', 2),
        (b'{"batch":[{"a":1},{"a":2},{"a":3}],"sentAt":"x"}', 3),
        (b'{"batch":[]}', 0),
        (b"[]", 0),
        (b'{"batch":null}', 1),
        (b'{"batch":"not a list"}', 1),
        (b"null", 1),
        (b'"text"', 1),
        (b'  \n{"batch": [{}]}  ', 1),
        (b'\xef\xbb\xbf{"batch":[{},{}]}', 2),
        (b'{"batch":[{"v":NaN,"i":-Infinity}]}', 1),
        (b'{"batch":[{"lone":"\\ud83d"},{}]}', 2),
        (b'{"batch":[{"bytes":"\xff\xfe"},{}]}', 2),
        (b'{"batch":[{"text":"two\nlines\x00"},{}]}', 2),
        (b'{"batch":[{"big":123456789012345678901234567890}]}', 1),
        (b'{"batch":[{"huge":1' + b"0" * 6000 + b"}]}", 1),
    ],
)
def test_events_are_counted_and_split_alike(body: bytes, events: int) -> None:
    assert count_events(body, limit=1000) == events
    assert len(split_body(body).events) == events


@pytest.mark.parametrize(
    "body",
    [b"", b"   ", b"<xml/>", b"a=b&c=d", b'{"batch":[{"a":1}', b"{'a':1}", b"{} {}", b"\x00\x01"],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(NotJsonError):
        count_events(body, limit=1000)
    with pytest.raises(NotJsonError):
        split_body(body)


def test_what_is_nested_too_deep_to_count_is_one_until_the_worker_looks() -> None:
    body = b'{"batch":[{"a":1},' + DEEP + b',{"a":2}]}'
    assert count_events(body, limit=1000) == count_events(DEEP, limit=1000) == 1
    assert len(split_body(body).events) == 3
    assert split_body(DEEP).events == [Malformed(DEEP[1:-1], "too_deep")]


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        (b'{"batch":[9],"batch":[', b"]}"),
        (b'{"batch":[', b'],"context":{"batch":[9]}}'),
        (b'{"deep":' + DEEP + b',"batch":[', b"]}"),
    ],
)
def test_the_batch_of_a_body_too_deep_to_decode_is_the_one_that_a_decoder_would_take(
    opening: bytes, closing: bytes
) -> None:
    body = opening + b'{"a":1},' + DEEP + closing
    assert split_body(body).events == [{"a": 1}, Malformed(DEEP, "too_deep")]


def test_the_envelope_of_a_body_too_deep_to_decode_brings_the_time_it_was_sent() -> None:
    body = split_body(b'{"batch":[{},' + DEEP + b'],"sentAt":"2026-01-01T00:00:00Z"}')
    assert body.sent_at == "2026-01-01T00:00:00Z"


def test_an_event_too_deep_to_decode_that_came_alone_is_known_to_have() -> None:
    """What the path says of it goes into its dead letter."""
    alone = b'{"a":' + DEEP + b"}"
    assert split_body(alone).is_bare
    assert not split_body(b"[" + alone + b"]").is_bare


def test_the_last_event_of_a_deep_body_without_an_end_is_not_overlooked() -> None:
    deep = Malformed(DEEP, "too_deep")
    assert split_body(b"[" + DEEP + b',{"a":1}').events == [deep, {"a": 1}]
    assert split_body(b"[" + DEEP + b',{"a":').events == [deep, Malformed(b'{"a":')]


def test_a_number_of_many_digits_is_the_same_beside_any_other_event() -> None:
    """The id of an event without one is made of its content."""
    digits = b'{"a":' + b"7" * 400 + b"}"
    assert (
        split_body(b"[" + digits + b"]").events[0] == split_body(b"[" + digits + b",NaN]").events[0]
    )


def test_a_body_of_backslashes_is_looked_at_once() -> None:
    """With a pattern that scans again from every quote this takes hours."""
    body = b'{"a":' * 3000 + b'"\\' * 1_000_000
    assert count_events(body, limit=1000) == 1
    assert split_body(body).events


def test_the_envelope_brings_the_time_it_was_sent() -> None:
    body = split_body(b'{"batch":[{}],"sentAt":"2026-01-01T00:00:00Z"}')
    assert body.sent_at == "2026-01-01T00:00:00Z"


def test_nan_becomes_null_and_its_neighbours_stay() -> None:
    [first, second] = split_body(b'[{"v":NaN,"w":1},{"x":Infinity}]').events
    assert first == {"v": None, "w": 1}
    assert second == {"x": None}


def test_a_lone_surrogate_cannot_be_stored_and_is_replaced() -> None:
    [event] = split_body(b'[{"name":"a\\ud83db"}]').events
    assert event["name"].encode() == b"a?b"


def test_an_event_nested_too_deep_costs_its_neighbours_nothing() -> None:
    good = {"text": 'brackets ] } , in "strings" are text', "list": [1, [2]]}
    quoted = json.dumps(good).encode()
    body = b'{"context":{"batch":[9]}, "batch" : [' + quoted + b"," + DEEP + b"," + quoted + b"]}"
    first, broken, last = split_body(body).events
    assert first == last == good
    assert broken == Malformed(DEEP, "too_deep")
