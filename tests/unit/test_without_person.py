"""What of a body is a person's, and that all else stays byte for byte what it was."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.erasing.bodies import may_name, part, without_person
from core.erasing.naming import ids_in, named_ids
from core.normalizing.body import split_body

OTHER = b'{ "userId":"b" ,"x":1.50,"y":"\\u00e9"}'


def batch(*events: bytes, sent_at: bytes = b'"2025"') -> bytes:
    return b'{"batch": [%b], "sentAt":%b}' % (b" ,\n".join(events), sent_at)


@pytest.mark.parametrize(
    "mine",
    [
        b'{"userId":"a"}',
        b'{"userId":" a "}',
        b'{"userId":"\\u0061"}',
        b'{"anonymousId":"a","userId":"b"}',
        b'{"type":"alias","previousId":"a","userId":"b"}',
        b'{"type":"merge","mergeProperties":[{"type":"user_id","value":"b"},{"value":"a"}]}',
        b'{"userId":"a","x":NaN}',
        b'{"userId":"a","x":"\xff"}',
    ],
)
def test_an_event_that_names_the_person_goes_and_the_others_keep_their_bytes(mine: bytes) -> None:
    theirs, rest = part(batch(OTHER, mine, OTHER), {"a"})
    assert theirs == (mine,)
    assert rest == b'{"batch":[%b,%b],"sentAt":"2025"}' % (OTHER, OTHER)
    assert without_person(b"[%b,%b]" % (mine, OTHER), {"a"}) == b"[%b]" % OTHER
    assert without_person(mine, {"a"}) is None


@pytest.mark.parametrize("written", [b"42", b"42.0", b"4.2e1", b'"42"', b'" 42"', b"0.42E+2"])
def test_a_number_is_the_id_that_it_is_read_as(written: bytes) -> None:
    assert without_person(b'{"userId":%b}' % written, {"42"}) is None


@pytest.mark.parametrize("user_id", ["1", "2025", "x", "u", "batch", "userId"])
def test_a_text_that_only_occurs_is_nobodys(user_id: str) -> None:
    body = batch(b'{"userId":"b1","properties":{"userId":"1","x":2025}}')
    assert without_person(body, {user_id}) == body


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"batch":[]}', b"null", b'{"batch":{"userId":"a"}}', b'[1,"a"]']
)
def test_a_body_of_nobodys_events_stays_itself(body: bytes) -> None:
    assert without_person(body, {"a"}) is body


def test_of_what_cannot_be_decoded_the_parts_with_the_ids_text_go() -> None:
    assert without_person(b"userId=a&x", {"a"}) is None
    assert without_person(b"userId=b&x", {"a"}) == b"userId=b&x"
    deep = b'{"userId":"ada","x":%b1%b}' % (b"[" * 5000, b"]" * 5000)
    rest = b'{"batch":[%b],"sentAt":"2025"}' % OTHER
    assert without_person(batch(OTHER, deep), {"ada"}) == rest
    assert without_person(batch(OTHER, deep), {"eve"}) == batch(OTHER, deep)


def test_a_batch_under_an_escaped_name_is_looked_into() -> None:
    body = b'{"b\\u0061tch":[{"userId":"a"},{"userId":"b"}]}'
    rest = without_person(body, {"a"})
    assert rest is not None
    assert split_body(rest).events == [{"userId": "b"}]


def test_what_stood_around_the_events_goes_along() -> None:
    body = b'{"batch":[{"userId":"a"}],"who":"a","batch":[{"userId":"b"},{"userId":"a"}]}'
    assert without_person(body, {"a"}) == b'{"batch":[{"userId":"b"}],"sentAt":null}'


IDS = st.sampled_from(["a", "1", "x/y", 'q"', "\\", "é", "\ufffd", "?", "1e3", "1.5", " "])
VALUES = st.one_of(IDS, st.integers(-3, 3), st.floats(), st.none(), st.booleans())
EVENTS = st.fixed_dictionaries({}, optional={"userId": VALUES, "anonymousId": VALUES, "p": VALUES})


@given(events=st.lists(EVENTS, max_size=4), ids=st.sets(IDS, min_size=1), ascii_only=st.booleans())
def test_the_quick_look_never_misses_anybody(
    events: list[dict[str, Any]], ids: set[str], *, ascii_only: bool
) -> None:
    body = json.dumps({"batch": events}, ensure_ascii=ascii_only).encode()
    named = [named_ids(one) for one in split_body(body).events]
    if any(one & ids for one in named):
        assert may_name(body, ids)
    rest = without_person(body, ids)
    left = [] if rest is None else [named_ids(one) for one in split_body(rest).events]
    assert left == [one for one in named if not one & ids]


def test_the_ids_in_a_body_are_found_wherever_they_are_looked_for() -> None:
    assert ids_in(batch(OTHER, b'{"anonymousId":7}')) == {"b", "7"}
    assert ids_in(b'{"userId": "a\\n", "x') == {"a"}
    assert ids_in(gzip.compress(b"userId")) == frozenset()
