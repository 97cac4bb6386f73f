"""JSON bodies: which field is named where one cannot be used, its value, and what is allowed."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from core.http.bodies import BodyReader
from core.http.problems import BadParameterError

Share = Annotated[float, Meta(ge=0, le=1)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    weight: Share = 1.0


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=2)]
    counts: dict[Annotated[str, Meta(min_length=1)], int] = {}
    sort: Literal["new", "old"] | None = None
    first: Part | None = None
    more: Any = None


READER = BodyReader(Body)
COUNTS = "an object from a text of at least 1 character to a whole number"
A_PART = "a list of 1 to 2 items, each an object of id, weight"
A_BODY = "an object of parts, counts, sort, first, more"


@pytest.mark.parametrize(
    ("body", "parameter", "value", "allowed"),
    [
        ("1", "body", 1, A_BODY),
        ("[]", "body", None, A_BODY),
        ("{}", "parts", None, f"given: {A_PART}"),
        ('{"parts":[]}', "parts", None, A_PART),
        ('{"parts":"x"}', "parts", "x", A_PART),
        ('{"parts":[{}]}', "parts[0].id", None, "given: a text"),
        ('{"parts":[{"id":"a"},{"id":1}]}', "parts[1].id", 1, "a text"),
        ('{"parts":[{"id":"a","weight":2}]}', "parts[0].weight", 2, "a number from 0 to 1"),
        (
            '{"parts":[{"id":"a","wieght":2}]}',
            "parts[0].wieght",
            None,
            "in an object of id, weight",
        ),
        ('{"parts":[{"id":"a"}],"first":{"id":[]}}', "first.id", None, "a text"),
        ('{"parts":[{"id":"a"}],"sort":"up"}', "sort", "up", "one of new, old"),
        ('{"parts":[{"id":"a"}],"prats":1}', "prats", None, f"in {A_BODY}"),
        ('{"parts":[{"id":"a"}],"counts":{"a":"b"}}', "counts", None, COUNTS),
        ('{"parts":[{"id":"a"}],"counts":{"":1}}', "counts", None, COUNTS),
    ],
)
def test_the_field_is_named_with_its_value_and_what_is_allowed(
    body: str, parameter: str, value: Any, allowed: str
) -> None:
    with pytest.raises(BadParameterError) as caught:
        READER.read(body.encode())
    problem = caught.value.problem
    assert (problem.parameter, problem.value, problem.allowed) == (parameter, value, allowed)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b'{"parts":[{"id":"a"}]}}',
        b'{"parts":[{"id":"\xff"}]}',
        b'{"parts":[{"id":"\\ud800"}]}',
        b'{"parts":[{"id":"a"}],"more":' + b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_said_of_the_body(body: bytes) -> None:
    with pytest.raises(BadParameterError) as caught:
        READER.read(body)
    assert caught.value.problem.parameter == "body"
    assert str(caught.value.problem.allowed).startswith("JSON")


def test_a_fault_before_the_end_of_what_is_no_json_is_named_without_its_value() -> None:
    for end in (b",", b',"more":' + b"[" * 100_000):
        with pytest.raises(BadParameterError) as caught:
            READER.read(b'{"parts":7' + end)
        assert (caught.value.problem.parameter, caught.value.problem.value) == ("parts", None)


def test_a_whole_number_may_be_written_with_a_point_and_nothing_else_may_be_guessed() -> None:
    found = READER.read(
        b'{"parts":[{"id":"a","weight":1.0}],"counts":{"a":5.0,"b":1e2},"more":2.5}'
    )
    assert found.counts == {"a": 5, "b": 100}
    assert [type(one) for one in found.counts.values()] == [int, int]
    assert (found.parts[0].weight, found.more) == (1.0, 2.5)
    for text in (b"5.5", b'"5"', b"true", b"null"):
        with pytest.raises(BadParameterError, match="counts must be"):
            READER.read(b'{"parts":[{"id":"a"}],"counts":{"a":' + text + b"}}")


@pytest.mark.parametrize("number", [b"1" * 30, b"-" + b"1" * 30, b"1" * 4000])
def test_a_number_beyond_every_bound_can_be_shown(number: bytes) -> None:
    with pytest.raises(BadParameterError) as caught:
        READER.read(b'{"parts":[{"id":' + number + b"}]}")
    shown = msgspec.json.encode(caught.value.problem)
    assert number[:20] in shown
    assert len(shown) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["parts", "id", "first", "x"]), inner)
    ),
)


@given(JSON)
def test_every_json_is_read_or_refused(value: Any) -> None:
    try:
        found = READER.read(msgspec.json.encode(value))
    except BadParameterError as exc:
        assert exc.problem.parameter  # noqa: PT017
        assert exc.problem.allowed  # noqa: PT017
    else:
        assert isinstance(found, Body)
