"""Which languages pass where one is wanted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.content import Content, ContentFilter
from core.index.languages import LanguageColumn
from core.languages import language_key, language_prefixes, languages_meet
from core.strings import StringTable

LANGUAGES = st.lists(st.sampled_from(("de", "DE", "d", "at", "ch-1996", "")), max_size=3).map(
    "-".join
)


@pytest.mark.parametrize(
    ("stated", "wanted", "inside"),
    [
        ("de", "de", True),
        ("de-AT", "de", True),
        ("de", "de-AT", True),
        ("de-CH", "de-AT", False),
        ("de-AT-1996", "de-AT", True),
        ("DE_at", "de-AT", True),
        (" de ", "de", True),
        ("den", "de", False),
        ("de", "den", False),
        ("zh-Hant", "zh-Hant-TW", True),
        ("en", "de", False),
        (None, "de", True),
        ("", "de", True),
        ("-", "de", True),
        ("de", None, True),
        ("de", "", True),
    ],
)
def test_a_language_covers_its_regions_and_they_cover_it(
    stated: str | None, wanted: str | None, *, inside: bool
) -> None:
    content = Content(id="a", title="A", language=stated)
    assert ContentFilter(language=wanted).allows(content) == inside


@given(LANGUAGES, LANGUAGES)
def test_what_meets_shares_every_subtag_that_both_have(one: str, other: str) -> None:
    keys = language_key(one), language_key(other)
    pairs = zip(*(key.split("-") for key in keys), strict=False)
    assert languages_meet(*keys) == ("" in keys or all(a == b for a, b in pairs))
    assert languages_meet(*keys) == languages_meet(*reversed(keys))


@given(LANGUAGES)
def test_a_language_is_the_last_of_its_prefixes(language: str) -> None:
    key = language_key(language)
    prefixes = language_prefixes(key)
    assert prefixes[-1:] == ([key] if key else [])
    assert all(languages_meet(prefix, key) for prefix in prefixes)
    assert len(set(prefixes)) == len(prefixes) == len([part for part in key.split("-") if part])


@given(st.lists(LANGUAGES), LANGUAGES)
def test_a_column_of_languages_says_what_they_say_one_by_one(
    stated: list[str], wanted: str
) -> None:
    keys = [language_key(one) for one in stated]
    names = sorted(set(keys))
    codes = np.array([names.index(key) for key in keys], dtype=np.uint8)
    foreign = LanguageColumn(StringTable.of(names), codes).foreign(wanted)
    expected = [not languages_meet(key, language_key(wanted)) for key in keys]
    assert (foreign is not None) == any(expected)
    assert foreign is None or foreign.tolist() == expected
