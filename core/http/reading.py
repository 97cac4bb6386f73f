"""Reads the parameters of a request into the struct that declares them."""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

from core.http.allowed import allowed_words
from core.http.problems import BadParameterError

S = TypeVar("S", bound=msgspec.Struct)

_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class ParameterReader(Generic[S]):
    """Makes a struct of the parameters of a request, each given as text.

    A text is made the value that JSON would hold, and then has to fit the type as
    it is: nothing is guessed, so `null` is no number that was left out.
    """

    def __init__(self, kind: type[S]) -> None:
        """Look at the fields once."""
        self._kind = kind
        fields = msgspec.structs.fields(kind)
        self._fields: Mapping[str, _Field] = {one.encode_name: _Field(one.type) for one in fields}
        self._required = [field.encode_name for field in fields if field.required]

    def read(self, pairs: Iterable[tuple[str, str]]) -> S:
        """Path and query parameters together.

        Raises: BadParameterError for the first that cannot be used.
        """
        values: dict[str, Any] = {}
        for name, text in pairs:
            field = self._fields.get(name)
            if field is None:
                # Its value is not shown: it may be a key that belongs into a header.
                raise BadParameterError(name, None, f"one of {', '.join(sorted(self._fields))}")
            if field.is_repeated:
                values.setdefault(name, []).append(field.value(text))
            elif name in values:
                raise BadParameterError(name, text, "given once")
            else:
                values[name] = field.value(text)
        try:
            return msgspec.convert(values, self._kind)
        except msgspec.ValidationError:
            self._blame(values)
            raise

    def _blame(self, values: Mapping[str, Any]) -> None:
        """Raise BadParameterError for the first parameter that does not fit its type."""
        for name, field in self._fields.items():
            if name in values:
                field.check(name, values[name])
            elif name in self._required:
                raise BadParameterError(name, None, f"given: {field.allowed}")


class _Field:
    """What one parameter may be."""

    def __init__(self, wanted: Any) -> None:
        self._type = wanted
        info = inspect.type_info(wanted)
        lists = [kind for kind in _kinds(info) if isinstance(kind, inspect.VarTupleType)]
        self.is_repeated = bool(lists)
        self._most = lists[0].max_length if lists else None
        one = lists[0].item_type if lists else info
        self.allowed = allowed_words(one)
        kinds = list(_kinds(one))
        self._is_flag = _any_of(kinds, inspect.BoolType)
        self._is_whole = _any_of(kinds, inspect.IntType)
        self._is_number = _any_of(kinds, inspect.FloatType)

    def value(self, text: str) -> Any:
        """As JSON would hold it; a text that no type of the parameter reads stays one."""
        if self._is_flag:
            return _FLAGS.get(text.lower(), text)
        if self._is_whole and _WHOLE.fullmatch(text):
            return int(text)
        if self._is_number and _NUMBER.fullmatch(text) and isfinite(number := float(text)):
            return number
        return text

    def check(self, name: str, given: Any) -> None:
        """Raise BadParameterError for the first value that does not fit, or for too many."""
        for value in given if self.is_repeated else [given]:
            if not self._fits([value] if self.is_repeated else value):
                raise BadParameterError(name, value, self.allowed)
        if not self._fits(given):
            raise BadParameterError(name, len(given), f"given {self._most} times at most")

    def _fits(self, value: Any) -> bool:
        try:
            msgspec.convert(value, self._type)
        except msgspec.ValidationError:
            return False
        return True


def _any_of(kinds: Iterable[Any], wanted: type) -> bool:
    return any(isinstance(kind, wanted) for kind in kinds)


def _kinds(info: Any) -> Iterable[Any]:
    """What a type is, without the words about it; several of a union."""
    if isinstance(info, inspect.Metadata):
        yield from _kinds(info.type)
    elif isinstance(info, inspect.UnionType):
        for one in info.types:
            yield from _kinds(one)
    else:
        yield info
