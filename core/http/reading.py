"""Reads the parameters and the body of a request into the types that declare them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from core.http.allowed import allowed_text
from core.http.problems import BadParameterError

S = TypeVar("S", bound=msgspec.Struct)

_TRUE = frozenset(("1", "true", "yes"))
_FALSE = frozenset(("0", "false", "no"))
_MESSAGE = re.compile(
    r"^(?P<what>.*?)(?: - at (?:`key` in )?`\$\.?(?P<where>.*?)(?:\[\.\.\.\])?`)?$", re.DOTALL
)
_STEP = re.compile(r"[^.\[\]]+")


class ParameterReader(Generic[S]):
    """Makes a struct of the parameters of a request, each given as text."""

    def __init__(self, kind: type[S]) -> None:
        """Look at the fields once."""
        self._kind = kind
        fields = msgspec.structs.fields(kind)
        self._types: Mapping[str, Any] = {field.encode_name: field.type for field in fields}
        self._required = [field.encode_name for field in fields if field.required]
        self._repeated = {name for name, wanted in self._types.items() if _is_repeated(wanted)}
        self._flags = {name for name, wanted in self._types.items() if _is_flag(wanted)}

    def read(self, pairs: Iterable[tuple[str, str]]) -> S:
        """Path and query parameters together.

        Raises: BadParameterError for the first that cannot be used.
        """
        values: dict[str, Any] = {}
        for name, text in pairs:
            if name not in self._types:
                raise BadParameterError(name, text, f"one of {', '.join(sorted(self._types))}")
            if name in self._repeated:
                values.setdefault(name, []).append(text)
            elif name in values:
                raise BadParameterError(name, text, "given once")
            else:
                values[name] = self._flag(name, text) if name in self._flags else text
        try:
            return msgspec.convert(values, self._kind, strict=False)
        except msgspec.ValidationError:
            self._blame(values)
            raise

    def _flag(self, name: str, text: str) -> bool:
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise BadParameterError(name, text, "1 or 0")

    def _blame(self, values: Mapping[str, Any]) -> None:
        """Raise BadParameterError for the first parameter that does not fit its type."""
        for name, wanted in self._types.items():
            if name not in values:
                if name in self._required:
                    raise BadParameterError(name, None, allowed_text(wanted))
                continue
            given = values[name]
            for value in given if name in self._repeated else [given]:
                try:
                    one = [value] if name in self._repeated else value
                    msgspec.convert(one, wanted, strict=False)
                except msgspec.ValidationError:
                    raise BadParameterError(name, value, allowed_text(wanted)) from None


def read_body(kind: type[S], body: bytes) -> S:
    """Read a JSON body. Raises: BadParameterError naming the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as exc:
        found = _MESSAGE.match(str(exc))
        what, where = (found["what"], found["where"] or "body") if found else (str(exc), "body")
        wrong = what[:1].lower() + what[1:]
        raise BadParameterError(where, _value_at(body, where), f"as described: {wrong}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise BadParameterError("body", None, f"JSON: {exc}") from None


def _value_at(body: bytes, where: str) -> Any:
    """The value that a message speaks of, None where that cannot be told."""
    value = msgspec.json.decode(body)
    for step in _STEP.findall(where) if where != "body" else ():
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value if isinstance(value, str | int | float | bool) else None


def _is_repeated(wanted: Any) -> bool:
    return any(isinstance(kind, msgspec.inspect.VarTupleType) for kind in _kinds(wanted))


def _is_flag(wanted: Any) -> bool:
    return any(isinstance(kind, msgspec.inspect.BoolType) for kind in _kinds(wanted))


def _kinds(wanted: Any) -> Iterable[Any]:
    """What a type is, without the words about it; several of a union."""
    info: Any = msgspec.inspect.type_info(wanted)
    if isinstance(info, msgspec.inspect.Metadata):
        info = info.type
    return info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
