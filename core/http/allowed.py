"""Says in words what a parameter's type allows, for the answer to who got it wrong."""

from collections.abc import Mapping
from typing import Any

import msgspec

ALLOWED = "allowed"
"""Key in the `extra` of a type's `Meta`: what is allowed, where a schema says it badly."""

_NUMBERS = {"integer": "a whole number", "number": "a number"}


def allowed_text(wanted: Any) -> str:
    """What values of a type are, such as `a whole number from 1 to 100`."""
    return _own_words(msgspec.inspect.type_info(wanted)) or _of_schema(msgspec.json.schema(wanted))


def _own_words(info: Any) -> str | None:
    """What the type says of itself, or what is inside of it."""
    if isinstance(info, msgspec.inspect.Metadata):
        words = (info.extra or {}).get(ALLOWED)
        return words if isinstance(words, str) else _own_words(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return next((words for one in info.types if (words := _own_words(one))), None)
    if isinstance(info, msgspec.inspect.VarTupleType):
        return _own_words(info.item_type)
    return None


def _of_schema(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        kinds = [_of_schema(one) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(kinds)
    if "enum" in schema:
        return f"one of {', '.join(map(str, schema['enum']))}"
    kind = schema.get("type")
    if kind == "array":
        return _of_schema(schema["items"])
    if kind in _NUMBERS:
        return _NUMBERS[kind] + _bounds(schema)
    return "1 or 0" if kind == "boolean" else _text(schema)


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "a time with its zone, such as 2026-05-08T12:00:00Z"
    return f"a text like {schema['pattern']}" if "pattern" in schema else "a text"


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    parts = []
    if low is not None:
        parts.append(f"at least {low}")
    if (above := schema.get("exclusiveMinimum")) is not None:
        parts.append(f"above {above}")
    if high is not None:
        parts.append(f"at most {high}")
    return f" {' and '.join(parts)}" if parts else ""
