"""Tags are written `facet:label`; matching ignores case, accents and separators."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_SEPARATORS = re.compile(r"[\s_\-./,]+")
_WORD = re.compile(r"[^\W_]+")
# Letters that decompose to nothing simpler, folded as a German or Nordic reader would.
_FOLDED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})


@lru_cache(maxsize=65_536)
def tag_key(tag: str) -> str:
    """The form in which two spellings of one tag are equal."""
    facet, colon, label = tag.partition(":")
    return f"{_fold(facet)}{colon}{_fold(label)}"


@lru_cache(maxsize=65_536)
def facet_key(tag: str) -> str:
    """The comparable form of the part before the colon."""
    return _fold(tag.partition(":")[0])


def choices_by_facet(tags: Iterable[str]) -> dict[str, set[str]]:
    """The keys of the tags by facet: a filter asks for one of each facet's."""
    choices: dict[str, set[str]] = {}
    for tag in tags:
        choices.setdefault(facet_key(tag), set()).add(tag_key(tag))
    return choices


def is_tag(text: str) -> bool:
    """Whether `text` is a whole tag, with a facet and a label."""
    facet, _, label = tag_key(text).partition(":")
    return bool(facet and label)


def word_keys(text: str) -> list[str]:
    """The words of a text in comparable form, in their order."""
    return [key for word in words_in(text) if (key := word_key(word))]


def words_in(text: str) -> list[str]:
    """The words of a text as they are written."""
    found: list[str] = _WORD.findall(text)
    return found


def word_key(word: str) -> str:
    """The form in which two spellings of a word are equal; a word of signs alone has none."""
    return _fold(word)


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold()).translate(_FOLDED)
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _SEPARATORS.sub("", bare)
