"""Says in words what a type allows, for the answer to who got it wrong."""

from typing import Any

from msgspec import inspect

ALLOWED = "allowed"
"""Key in the `extra` of a type's `Meta`: what is allowed, where its bounds say it badly."""

LISTS = (inspect.VarTupleType, inspect.ListType, inspect.FrozenSetType, inspect.SetType)
"""What holds items of one type."""


def allowed_text(wanted: Any) -> str:
    """What values of a type are, such as `a whole number from 1 to 100`."""
    return allowed_words(inspect.type_info(wanted))


def allowed_words(info: Any) -> str:
    """The same of a type that `msgspec.inspect` has looked at."""
    if isinstance(info, inspect.Metadata):
        words = (info.extra or {}).get(ALLOWED)
        return words if isinstance(words, str) else allowed_words(info.type)
    if isinstance(info, inspect.UnionType):
        kinds = [one for one in info.types if not isinstance(one, inspect.NoneType)]
        return " or ".join(map(allowed_words, kinds))
    if isinstance(info, LISTS):
        return f"{_list(info)} {allowed_words(info.item_type)}"
    return _plain(info)


def _plain(info: Any) -> str:  # noqa: PLR0911 - one of each kind
    match info:
        case inspect.IntType():
            return f"a whole number{_bounds(info)}"
        case inspect.FloatType():
            return f"a number{_bounds(info)}"
        case inspect.BoolType():
            return "1 or 0, true or false"
        case inspect.LiteralType():
            return f"one of {', '.join(map(str, info.values))}"
        case inspect.EnumType():
            return f"one of {', '.join(str(one.value) for one in info.cls)}"
        case inspect.DateTimeType():
            return "a time with its zone, such as 2026-05-08T12:00:00Z"
        case inspect.StrType():
            return _text(info)
        case inspect.StructType():
            return f"an object of {', '.join(field.encode_name for field in info.fields)}"
        case inspect.DictType():
            key, value = allowed_words(info.key_type), allowed_words(info.value_type)
            return f"an object from {key} to {value}"
    return "JSON"


def _text(info: inspect.StrType) -> str:
    if info.pattern is not None:
        return f"a text like {info.pattern}"
    return f"a text{_length(info, 'character')}"


def _list(info: Any) -> str:
    return f"a list{_length(info, 'item')}, each"


def _length(info: Any, unit: str) -> str:
    low, high = info.min_length or 0, info.max_length
    if high is not None:
        return f" of {low} to {high} {unit}s"
    if low == 0:
        return ""
    return f" of at least {low} {unit}{'s' if low > 1 else ''}"


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {_number(info.ge)} to {_number(info.le)}"
    parts = [
        f"{words} {_number(bound)}"
        for words, bound in (
            ("at least", info.ge),
            ("above", info.gt),
            ("at most", info.le),
            ("below", info.lt),
        )
        if bound is not None
    ]
    return f" {' and '.join(parts)}" if parts else ""


def _number(bound: float) -> str:
    """`1` and `1.0` are one: which of two equal types was made first may not show."""
    return str(int(bound)) if bound == int(bound) else str(bound)
