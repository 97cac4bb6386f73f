"""An index as named arrays and back: what is written to a file is a plain mapping."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Part = TypeVar("Part", bound=msgspec.Struct)


def named_arrays(part: msgspec.Struct, prefix: str = "") -> Iterator[tuple[str, Array]]:
    """The arrays of a struct of arrays and of such structs, by the path of their fields."""
    for field in part.__struct_fields__:
        value = getattr(part, field)
        if isinstance(value, np.ndarray):
            yield f"{prefix}{field}", value
        else:
            yield from named_arrays(value, f"{prefix}{field}.")


def part_of(kind: type[Part], arrays: Mapping[str, Array], prefix: str = "") -> Part:
    """The struct that gave these arrays.

    Raises: KeyError for an array that is missing.
    """
    hints = get_type_hints(kind)
    fields = {
        field: part_of(hints[field], arrays, f"{prefix}{field}.")
        if isinstance(hints[field], type) and issubclass(hints[field], msgspec.Struct)
        else arrays[f"{prefix}{field}"]
        for field in kind.__struct_fields__
    }
    return kind(**fields)
