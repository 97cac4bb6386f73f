"""The events of a body found in its bytes alone: those that a decoder finds, as they came."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.normalizing.elements import count_raw_events, raw_events

TEXTS = st.text(alphabet='[]{}",:\\ aé', max_size=6) | st.just("batch")
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(
    events=st.lists(VALUES, min_size=1, max_size=4),
    around=st.dictionaries(TEXTS.filter(lambda key: key != "batch"), VALUES, max_size=2),
    indent=st.sampled_from([None, 1]),
)
@settings(deadline=None, max_examples=400)
def test_the_bytes_of_each_event_are_cut_out(
    events: list[Any], around: dict[str, Any], indent: int | None
) -> None:
    for whole in (events, {**around, "batch": events}, {"batch": events, **around}):
        body = json.dumps(whole, indent=indent, ensure_ascii=False).encode()
        cut = raw_events(body)
        assert [json.loads(raw) for raw in cut] == events
        assert count_raw_events(body) == len(events)
        assert all(raw in body for raw in cut)


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'\xef\xbb\xbf [1, {"a": [2]} ]', [b"1", b'{"a": [2]}']),
        (b'{"batch":[1],"batch" : [2,3]}', [b"2", b"3"]),
        (b'{"batch":null,"x":{"batch":[1]}}', [b'{"batch":null,"x":{"batch":[1]}}']),
        (b'{"x":"\\"batch\\":[1]"}', [b'{"x":"\\"batch\\":[1]"}']),
        (b"[]", []),
        (b"7", [b"7"]),
        (b'[1,"open', [b"1", b'"open']),
        (b"[1,[2,", [b"1", b"[2,"]),
        (b"[1]]],2", [b"1"]),
        (b"", []),
    ],
)
def test_whatever_stands_there_is_cut_where_json_would_be(body: bytes, events: list[bytes]) -> None:
    assert raw_events(body) == events
