"""What a column holds in the first rows of a file, by which its meaning is guessed."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from statistics import median
from typing import Any

from adapters.catalogue import cells

_WORD_BORDER = re.compile(r"(?<=[a-z])(?=[A-Z])|[\W_]+")
_SEPARATORS = ("|", ";", ",")
_MOST = 0.9
"""Of the filled cells: a column is what this share of them is."""
_TOO_LONG_FOR_LABELS = 40
_OFTEN = 1.1
"""Values to cells, from which on a separator is one."""
_ALMOST_UNIQUE = 0.5
"""Different labels to labels; past it hardly two items would share one."""


class ColumnSample:
    """The cells of one column."""

    def __init__(self, name: str, values: Sequence[Any]) -> None:
        """`values` are of every row, empty ones too."""
        self.name = name
        self.words = tuple(word.casefold() for word in _WORD_BORDER.split(name) if word)
        self._rows = len(values)
        self._filled = [value for value in values if value not in ("", None, [], {})]

    @property
    def is_empty(self) -> bool:
        """Whether no row has anything there."""
        return not self._filled

    @property
    def is_full(self) -> bool:
        """Whether every row has something there."""
        return len(self._filled) == self._rows

    @cached_property
    def texts(self) -> list[str]:
        """What stands in the filled cells."""
        return [cells.text(value) for value in self._filled]

    @cached_property
    def is_unique(self) -> bool:
        """Whether nearly every cell is another one: a row too many is a row's problem."""
        return len(set(self.texts)) >= 0.98 * len(self.texts)

    @cached_property
    def is_key(self) -> bool:
        """Whether every row has a short word of its own."""
        words = all(" " not in said and len(said) <= _TOO_LONG_FOR_LABELS for said in self.texts)
        return words and self.is_full and len(set(self.texts)) == len(self.texts)

    @cached_property
    def is_constant(self) -> bool:
        """Whether every row has the same."""
        return self.is_full and len(set(self.texts)) == 1

    @cached_property
    def is_address(self) -> bool:
        """Whether the cells are web addresses."""
        return self.is_mostly(lambda value: cells.text(value).startswith(("http://", "https://")))

    @cached_property
    def is_numeric(self) -> bool:
        """Whether the cells are numbers, as years and counts are."""
        return self.is_mostly(lambda value: cells.number(value, -math.inf))

    @cached_property
    def length(self) -> float:
        """The usual number of characters."""
        return median(map(len, self.texts)) if self.texts else 0

    def is_mostly(self, read: Callable[[Any], Any]) -> bool:
        """Whether nearly every filled cell can be read so, and says something."""
        return bool(self._filled) and self._share(read) >= _MOST

    @cached_property
    def split(self) -> str:
        """How the values of a cell are separated; empty where they are not."""
        for split in self._splits():
            labels = self._labels(split)
            fewer = len(set(labels)) <= len(set(self.texts)) and _are_labels(labels)
            if split == cells.JSON or fewer:
                return split
        return ""

    @property
    def names_split(self) -> str:
        """The same where the values are known to be names, as ids are."""
        return next(self._splits(), "")

    @property
    def why_no_facet(self) -> str | None:
        """What speaks against the column as a facet of tags."""
        labels = self._labels(self.split)
        if not labels:
            return "empty"
        if self.is_address:
            return "web addresses"
        if self.is_numeric:
            return "numbers"
        if self.is_constant or len(set(labels)) == 1:
            return "the same everywhere"
        if not _are_labels(labels):
            return "almost every value is another, or long"
        return None

    def _splits(self) -> Iterator[str]:
        if self.is_mostly(lambda value: cells.parts(value, cells.JSON) is not None):
            yield cells.JSON
        for separator in _SEPARATORS:
            if len(self._labels(separator)) >= _OFTEN * len(self.texts):
                yield separator

    def _labels(self, split: str) -> list[str]:
        return [label for value in self._filled for label in _parts(value, split)]

    def _share(self, read: Callable[[Any], Any]) -> float:
        return sum(_reads(read, value) for value in self._filled) / len(self._filled)


def _are_labels(labels: Sequence[str]) -> bool:
    short = median(map(len, labels)) <= _TOO_LONG_FOR_LABELS
    return short and len(set(labels)) <= _ALMOST_UNIQUE * len(labels)


def _parts(value: Any, split: str) -> list[str]:
    try:
        return cells.parts(value, split)
    except ValueError:
        return []


def _reads(read: Callable[[Any], Any], value: Any) -> bool:
    try:
        found = read(value)
    except ValueError:
        return False
    return found is not None and found is not False
