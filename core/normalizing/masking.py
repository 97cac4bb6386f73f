"""Masks what looks personal in JSON: in decoded values, and in bytes that no decoder reads."""

import json
import re
from typing import Any

from core.normalizing.personal import masked

_LITERAL = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?+'
_LITERALS = re.compile(
    rf'(?P<kept>"(?:userId|anonymousId|previousId)"\s*+:\s*+{_LITERAL})|{_LITERAL}', re.DOTALL
)

_SHORTEST = 8
"""Of a literal that holds anything personal."""


def masked_value(value: Any) -> Any:
    """A decoded value with every text in it masked, names of fields included."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list):
        return [masked_value(one) for one in value]
    if isinstance(value, dict):
        return {masked(name): masked_value(one) for name, one in value.items()}
    return value


def masked_json(raw: bytes) -> bytes:
    """JSON that is too deep to decode, or that nobody may: its texts masked one by one.

    Visitors' ids stay: whoever is erased is found by them.
    """
    return _as_bytes(_LITERALS.sub(_masked_literal, _as_text(raw)))


def masked_raw(raw: bytes) -> bytes:
    """The same of what is no JSON, whatever it is; it does not become any by that."""
    return _as_bytes(masked(_LITERALS.sub(_masked_literal, _as_text(raw))))


def _masked_literal(found: re.Match[str]) -> str:
    literal = found[0]
    if found["kept"] is not None or len(literal) < _SHORTEST:
        return literal
    if "\\" not in literal:  # as it is decoded
        return masked(literal)
    try:
        text = json.loads(literal, strict=False)
    except ValueError:
        return literal
    clean = masked(text)
    return literal if clean == text else json.dumps(clean)


def _as_text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
