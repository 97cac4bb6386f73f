"""Nesting: an event past the bound is rejected alone, and strings full of brackets fool nobody."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.normalizing.depth import deeper_ones
from core.normalizing.normalize import normalize_events
from tests.build import MAPPER, NOW_MS, WINDOW_MS

PAGE = '{"type":"page","userId":"u1"}'
BRACKETS = st.text(alphabet='[]{}"\\a', max_size=6)
TREES = st.recursive(
    st.none() | st.integers(0, 9) | BRACKETS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(BRACKETS, inner, max_size=3),
    max_leaves=40,
)


def deep(levels: int, inside: str = "1") -> str:
    """A page event so many levels deep, with a space that only its own bytes have."""
    nested = '{"a":' * (levels - 1) + inside + "}" * (levels - 1)
    return f'{{"type": "page","userId":"u2","messageId":"m2","properties":{nested}}}'


def normalized(body: str, call_type: str | None = None) -> Any:
    return normalize_events(
        body.encode(), MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS, call_type=call_type
    )


def depth_of(value: Any) -> int:
    """By the definition: with recursion, and slow."""
    if isinstance(value, (dict, list)):
        inside = value.values() if isinstance(value, dict) else value
        return 1 + max(map(depth_of, inside), default=0)
    return 0


@pytest.mark.parametrize("levels", [65, 66, 200, 900, 5000])
def test_an_event_past_the_bound_costs_its_neighbours_nothing(levels: int) -> None:
    found = normalized(f'{{"batch": [{PAGE}, {deep(levels)},{PAGE}]}}')
    assert [event.user_id for event in found.events] == ["u1", "u1"]
    [rejection] = found.rejections
    assert rejection.reason == "too_deep"
    assert rejection.body == deep(levels).encode()


def test_an_event_at_the_bound_is_used() -> None:
    found = normalized(f"[{PAGE},{deep(64)},{PAGE}]")
    assert [event.user_id for event in found.events] == ["u1", "u2", "u1"]


def test_a_bare_event_that_is_too_deep_keeps_its_message_id_and_what_its_path_said() -> None:
    [rejection] = normalized(deep(65), call_type="page").rejections
    assert rejection.body == deep(65).encode()
    assert (rejection.message_id, rejection.call_type) == ("m2", "page")


@pytest.mark.parametrize("quoted", ['"{}"', '"\\"{}\\""', '"\\\\","{}","\\\\"'])
def test_pairs_in_strings_cannot_hide_a_deep_event(quoted: str) -> None:
    """Without the strings' meaning the lists are `[][][]...`, one level."""
    closing, opening = quoted.format("]"), quoted.format("[")
    hidden = f"[{closing}," * 64 + f"{opening}]," * 63 + f"{opening}]"
    [rejection] = normalized(f'{{"type":"page","userId":"u1","properties":{hidden}}}').rejections
    assert rejection.reason == "too_deep"


@pytest.mark.parametrize(
    "body", ['{{"batch":[],"b\\u0061tch":[{0}]}}', '{{"batch":[],"batch":[{0}]}}']
)
def test_a_batch_that_its_bytes_hide_has_a_dead_letter_too(body: str) -> None:
    [rejection] = normalized(body.format(deep(65))).rejections
    assert rejection.reason == "too_deep"
    assert json.loads(rejection.body) == json.loads(deep(65))


@given(events=st.lists(TREES, max_size=4), bound=st.integers(1, 5))
@example(events=[["}", ["}", ["}", {"{{{": 1}]]]], bound=2)
@settings(deadline=None, max_examples=400)
def test_exactly_the_events_past_the_bound_are_found(events: list[Any], bound: int) -> None:
    for body in (json.dumps(events), json.dumps({"batch": events}, indent=1)):
        found = deeper_ones(body.encode(), events, bound)
        assert found == {place for place, one in enumerate(events) if depth_of(one) > bound}
