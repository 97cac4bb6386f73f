"""Parameters as text: what each kind takes, and how what cannot be used is named."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from core.http.allowed import ALLOWED
from core.http.problems import BadParameterError
from core.http.reading import ParameterReader


class Parameters(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: Annotated[str, Meta(min_length=1)]
    count: Annotated[int, Meta(ge=1, le=100)] = 10
    share: Annotated[float, Meta(ge=0.0)] | None = None
    any_number: float = 0.0
    flag: bool = False
    maybe: bool | None = None
    sort: Literal["new", "old"] = "new"
    at: Annotated[int, Meta(ge=0)] | Annotated[datetime, Meta(tz=True)] | None = None
    tags: tuple[
        Annotated[str, Meta(pattern="^[^:]+:.+$", extra={ALLOWED: "a tag like facet:label"})], ...
    ] = ()
    numbers: Annotated[tuple[int, ...], Meta(max_length=3)] = ()


READER = ParameterReader(Parameters)


def read(*pairs: tuple[str, str]) -> Parameters:
    return READER.read([("name", "ada"), *pairs])


def refusal(*pairs: tuple[str, str]) -> tuple[str | None, Any, str | None]:
    with pytest.raises(BadParameterError) as caught:
        READER.read(pairs)
    problem = caught.value.problem
    assert problem.status == 400
    assert problem.detail == f"{problem.parameter} must be {problem.allowed}"
    return problem.parameter, problem.value, problem.allowed


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "7", 7),
        ("count", "007", 7),
        ("share", "0.5", 0.5),
        ("share", ".5", 0.5),
        ("share", "1e-3", 0.001),
        ("share", "2", 2.0),
        ("anyNumber", "-1.5", -1.5),
        ("flag", "1", True),
        ("flag", "True", True),
        ("flag", "no", False),
        ("maybe", "0", False),
        ("sort", "old", "old"),
        ("at", "5", 5),
        ("at", "2026-05-08T12:00:00Z", datetime(2026, 5, 8, 12, tzinfo=UTC)),
        ("tags", "a:b", ("a:b",)),
        ("numbers", "3", (3,)),
    ],
)
def test_each_kind_of_parameter_is_read(name: str, text: str, value: Any) -> None:
    found = read((name, text))
    field = {"anyNumber": "any_number"}.get(name, name)
    assert getattr(found, field) == value
    assert type(getattr(found, field)) is type(value)


@pytest.mark.parametrize(
    ("name", "texts", "allowed"),
    [
        ("count", ["0", "101", "ten", "", " 5", "5.0", "1e1", "٣", "9" * 5000, "null"], None),
        ("share", ["-1", "nan", "inf", "1e999", "1_0", "0x1", "null", ""], "a number at least 0"),
        ("anyNumber", ["nan", "inf", "-inf", "Infinity", "1e999"], "a number"),
        ("flag", ["2", "", "null", "on"], "1 or 0, true or false"),
        ("maybe", ["null"], "1 or 0, true or false"),
        ("sort", ["", "NEW"], "one of new, old"),
        ("at", ["-1", "5.5", "2026-05-08", "2026-05-08T12:00:00", "now"], None),
        ("tags", ["Hiding"], "a tag like facet:label"),
        ("numbers", ["x"], "a whole number"),
    ],
)
def test_what_a_parameter_cannot_be_is_named_with_what_it_can(
    name: str, texts: list[str], allowed: str | None
) -> None:
    for text in texts:
        parameter, value, said = refusal(("name", "ada"), (name, text))
        assert parameter == name
        assert str(value)[:200] == text[:200] or float(text) == value
        assert said
        assert allowed in (None, said)


def test_a_missing_one_an_unknown_one_and_one_given_twice_are_named() -> None:
    assert refusal() == ("name", None, "given: a text of at least 1 character")
    assert refusal(("name", "")) == ("name", "", "a text of at least 1 character")
    parameter, value, allowed = refusal(("name", "ada"), ("cuont", "5"))
    assert (parameter, value) == ("cuont", None)
    assert allowed == "one of anyNumber, at, count, flag, maybe, name, numbers, share, sort, tags"
    assert refusal(("name", "ada"), ("name", "eve")) == ("name", "eve", "given once")


def test_of_repeated_ones_all_count_and_the_bad_one_is_named() -> None:
    assert read(("tags", "a:b"), ("tags", "c:d"), ("tags", "a:b")).tags == ("a:b", "c:d", "a:b")
    assert refusal(("name", "ada"), ("tags", "a:b"), ("tags", "c"))[:2] == ("tags", "c")


def test_more_values_than_may_be_are_counted() -> None:
    ones = [("numbers", "1")] * 4
    assert read(*ones[:3]).numbers == (1, 1, 1)
    assert refusal(("name", "ada"), *ones) == ("numbers", 4, "given 3 times at most")
    assert refusal(("name", "ada"), *ones, ("numbers", "x"))[:2] == ("numbers", "x")


def test_an_absurdly_long_value_is_shown_by_its_beginning() -> None:
    _, value, _ = refusal(("name", "ada"), ("count", "x" * 100_000))
    assert value == "x" * 200 + "…"


@given(st.text(min_size=1))
def test_every_text_is_a_text(text: str) -> None:
    assert READER.read([("name", text)]).name == text


@given(st.lists(st.tuples(st.sampled_from([*READER._fields, "other"]), st.text())))
def test_whatever_is_given_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    try:
        found = READER.read(pairs)
    except BadParameterError as exc:
        assert exc.problem.parameter  # noqa: PT017
    else:
        assert msgspec.convert(msgspec.to_builtins(found), Parameters) == found


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_as_it_is_written(number: float) -> None:
    assert read(("anyNumber", repr(number))).any_number == number


def test_a_problem_shows_nothing_personal() -> None:
    reader = ParameterReader(Parameters)
    with pytest.raises(BadParameterError) as error:
        reader.read([("name", "n"), ("count", "ada@example.org from 198.51.100.7")])
    assert error.value.problem.value == "<e-mail> from <ip>"
    with pytest.raises(BadParameterError) as error:
        reader.read([("ada@example.org", "1")])
    assert error.value.problem.parameter == "<e-mail>"
    assert "ada" not in error.value.problem.detail
