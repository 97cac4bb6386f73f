"""Reads the JSON body of a request into the type that declares it."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect

from core.http.allowed import LISTS, allowed_words
from core.http.problems import BadParameterError

# What is wrong in a mapping is said of the mapping: which key it is, is not told.
_MESSAGE = re.compile(
    r"^(?P<what>.*?)(?: - at (?:`key` in )?`\$\.?(?P<where>.*?)(?:\[\.\.\.\])?`)?$", re.DOTALL
)
_MISSING = "missing required"
_FIELD = re.compile(rf"^Object (?P<fault>{_MISSING}|contains unknown) field `(?P<name>.*)`$")
_GOT_FLOAT = "got `float`"
_STEP = re.compile(r"[^.\[\]]+")
_BODY = "body"


class BodyReader:
    """Reads bodies of one type."""

    def __init__(self, kind: Any) -> None:
        """Look at the type once."""
        self._kind = kind
        self._info = inspect.type_info(kind)
        self._decoder = msgspec.json.Decoder(kind)

    def read(self, body: bytes) -> Any:
        """What the body says. Raises: BadParameterError naming the field."""
        try:
            return self._read(body)
        except msgspec.ValidationError as exc:
            raise self._error(str(exc), body) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise BadParameterError(_BODY, None, f"JSON: {exc}") from None
        except RecursionError:
            raise BadParameterError(_BODY, None, "JSON that is not nested so deeply") from None

    def _read(self, body: bytes) -> Any:
        """To JSON Schema 5.0 is a whole number, and some senders write it so."""
        try:
            return self._decoder.decode(body)
        except msgspec.ValidationError as exc:
            if _GOT_FLOAT not in str(exc):
                raise
            return msgspec.convert(_whole(msgspec.json.decode(body)), self._kind)

    def _error(self, message: str, body: bytes) -> BadParameterError:
        what, where = _parts(message)
        field = _FIELD.match(what)
        if field is not None:
            where = f"{where}.{field['name']}" if where else field["name"]
        steps = _STEP.findall(where)
        wanted = self._type_at(steps)
        if wanted is None:  # of an unknown field, what it is in
            wanted = self._type_at(steps[:-1])
        allowed = allowed_words(wanted)
        if field is not None:
            allowed = f"given: {allowed}" if field["fault"] == _MISSING else f"in {allowed}"
        # Of an unknown field it is not shown: it may be a key that belongs into a header.
        value = None if field is not None else _value_at(body, steps)
        return BadParameterError(where or _BODY, value, allowed)

    def _type_at(self, steps: Sequence[str]) -> Any:
        info: Any = self._info
        for step in steps:
            info = _inner_type(info, step)
        return info


def _parts(message: str) -> tuple[str, str]:
    """What is wrong and where, of a message of msgspec; no place is the body itself."""
    found = _MESSAGE.match(message)
    return (found["what"], found["where"] or "") if found else (message, "")


def _whole(value: Any) -> Any:
    """With whole numbers as such; where a fraction may be, they may be, too."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(one) for one in value]
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    return value


def _value_at(body: bytes, steps: Sequence[str]) -> Any:
    """The value that a message speaks of, None where that cannot be told."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # wrong already before the end, where it is not JSON either
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value if isinstance(value, str | int | float | bool) else None


def _inner_type(info: Any, step: str) -> Any:
    """What stands in a type at the name of a field or at a place of a list, else None."""
    match info:
        case inspect.Metadata():
            return _inner_type(info.type, step)
        case inspect.UnionType():
            found = (_inner_type(one, step) for one in info.types)
            return next((one for one in found if one is not None), None)
        case inspect.StructType():
            named = (field for field in info.fields if field.encode_name == step)
            return next((field.type for field in named), None)
        case inspect.DictType():
            return info.value_type
    return info.item_type if isinstance(info, LISTS) else None
