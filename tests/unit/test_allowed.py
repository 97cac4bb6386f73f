"""What a type allows, in words."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta

from core.http.allowed import ALLOWED, allowed_text


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (int, "a whole number"),
        (Annotated[int, Meta(ge=1, le=9)], "a whole number from 1 to 9"),
        (Annotated[int, Meta(ge=1)], "a whole number at least 1"),
        (Annotated[float, Meta(gt=0, le=9)], "a number above 0 and at most 9"),
        (Annotated[float, Meta(lt=0)] | None, "a number below 0"),
        (bool, "1 or 0, true or false"),
        (str, "a text"),
        (Annotated[str, Meta(min_length=1)], "a text of at least 1 character"),
        (Annotated[str, Meta(max_length=9)], "a text of 0 to 9 characters"),
        (Annotated[str, Meta(pattern="^a")], "a text like ^a"),
        (Annotated[str, Meta(pattern="^a", extra={ALLOWED: "an a"})] | None, "an a"),
        (Literal["a", 1], "one of 1, a"),
        (Colour, "one of red, blue"),
        (datetime, "a time with its zone, such as 2026-05-08T12:00:00Z"),
        (
            Annotated[int, Meta(ge=0)] | datetime | None,
            "a whole number at least 0 or a time with its zone, such as 2026-05-08T12:00:00Z",
        ),
        (tuple[int, ...], "a list, each a whole number"),
        (Annotated[list[str], Meta(min_length=2)], "a list of at least 2 items, each a text"),
        (dict[str, bool], "an object from a text to 1 or 0, true or false"),
        (Any, "JSON"),
    ],
)
def test_a_type_says_in_words_what_it_allows(wanted: Any, words: str) -> None:
    assert allowed_text(wanted) == words
