"""Numbers and answers, out of whatever JSON an app writes for them."""

from collections.abc import Iterator
from itertools import islice
from math import isfinite
from typing import Any

from core.events import AnswerValue
from core.normalizing.ids import text_id
from core.normalizing.limits import EventLimits
from core.normalizing.personal import is_personal


def number(value: Any, *, low: float, high: float = float("inf")) -> float | None:
    """A finite number within the bounds, be it written as text; None where there is none."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if isfinite(found) and low <= found <= high else None


def question_pairs(given: Any) -> Iterator[tuple[str, Any]]:
    """Questions with their answers, from an object or from a list of one object each."""
    if isinstance(given, dict):
        yield from given.items()
    elif isinstance(given, list):
        for item in given:
            if isinstance(item, dict) and (key := text_id(item.get("question_id"))):
                yield key, item.get("answer")


def answer(value: Any, limits: EventLimits) -> AnswerValue | None:
    """An answer as text or number, several as a tuple; None where nothing was said.

    A text that looks personal says nothing: no tag is made of it.
    """
    if isinstance(value, list):
        said = (_single_answer(one, limits.max_text_chars) for one in value)
        return tuple(islice((one for one in said if one is not None), limits.max_listed)) or None
    return _single_answer(value, limits.max_text_chars)


def _single_answer(value: Any, max_chars: int) -> str | float | None:
    if isinstance(value, str):
        # Whole, before it is cut: half an address is one, too.
        return None if is_personal(value) else value.strip()[:max_chars] or None
    found = number(value, low=-1e12, high=1e12)
    # A whole number reads better, and encodes the same, however the SDK wrote it.
    return int(found) if found is not None and found.is_integer() else found
