"""Ids in every form seen in the wild: text, whole and broken numbers, objects, null."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from core.normalizing.personal import is_personal

_EXACT_FLOAT = 2**53
_LONGEST_INT_BITS = 1024
"""Python refuses to print integers of many thousand digits."""


def text_id(value: Any) -> str | None:
    """The id as text, None where there is none: null, empty, a flag, an object."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if value.bit_length() < _LONGEST_INT_BITS else None
    if isinstance(value, float) and isfinite(value):
        whole = value.is_integer() and abs(value) < _EXACT_FLOAT
        return str(int(value)) if whole else repr(value)
    return None


def bounded_id(value: Any, max_chars: int) -> str | None:
    """The id as text, None where it is longer: it would become a key, or lie in every buffer."""
    text = text_id(value)
    return text if text is None or len(text) <= max_chars else None


def kept_id(value: Any, max_chars: int) -> str | None:
    """The same of an id that is nobody's: None also where it holds an address or a number."""
    text = bounded_id(value, max_chars)
    return None if text is None or is_personal(text) else text


def content_id(
    value: Any, prefixes: Sequence[str], fields: Sequence[str], max_chars: int
) -> str | None:
    """The item meant by a bare id or by an object that holds one, without its prefix."""
    if isinstance(value, dict):
        value = next((value[name] for name in fields if value.get(name) is not None), None)
    text = value.strip() if isinstance(value, str) else text_id(value)
    if not text or len(text) > max_chars or is_personal(text):
        return None
    for prefix in prefixes:
        if text.startswith(prefix) and len(text) > len(prefix):
            return text[len(prefix) :]
    return text
