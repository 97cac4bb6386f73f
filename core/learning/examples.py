"""`Examples`: what was shown, where, and what was opened of it, as plain columns.

A row is an item of an answer; the rows of one answer stand together, in the
order of their ranks, and answers in that of their time. A row takes some 60
bytes, so that ten million fit into a gigabyte.
"""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from core.vectors import Floats

MOST_POSITIONS = 50
"""Ranks beyond share the last position's effect: few people get so far."""
ROWS_AT_ONCE = 65_536


class Examples(msgspec.Struct, frozen=True, kw_only=True):
    """Shown items.

    Shape: `values` (rows, features) float32 in [0, 1], 0 where a scorer said nothing;
        `position` (rows,) uint8 from 0; `opened` (rows,) bool; `answer` (rows,) int32,
        rising; `at_ms` one of each answer, rising.
    """

    features: tuple[str, ...]
    values: npt.NDArray[np.float32]
    position: npt.NDArray[np.uint8]
    opened: npt.NDArray[np.bool_]
    answer: npt.NDArray[np.int32]
    at_ms: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.opened)

    @property
    def answers(self) -> int:
        """Number of answers."""
        return len(self.at_ms)

    @property
    def starts(self) -> npt.NDArray[np.intp]:
        """The first row of each answer, and the end. Shape: (answers + 1,)."""
        numbers = np.arange(self.answers + 1, dtype=self.answer.dtype)
        return np.searchsorted(self.answer, numbers)

    def split(self, share: float) -> "tuple[Examples, Examples]":
        """The answers up to a share of them, and the later ones."""
        at = int(self.answers * share)
        row = int(np.searchsorted(self.answer, at))
        return self._part(0, row, 0, at), self._part(row, len(self), at, self.answers)

    def batches(self) -> Iterator["Batch"]:
        """All rows, a batch at a time, in numbers that sums are exact enough in."""
        for start in range(0, len(self), ROWS_AT_ONCE):
            end = start + ROWS_AT_ONCE
            yield Batch(
                values=self.values[start:end].astype(np.float64),
                position=self.position[start:end].astype(np.intp),
                opened=self.opened[start:end].astype(np.float64),
            )

    def _part(self, row: int, end: int, first: int, last: int) -> "Examples":
        return Examples(
            features=self.features,
            values=self.values[row:end],
            position=self.position[row:end],
            opened=self.opened[row:end],
            answer=self.answer[row:end] - first,
            at_ms=self.at_ms[first:last],
        )


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows. Shape: `values` (n, features), `position` and `opened` (n,)."""

    values: Floats
    position: npt.NDArray[np.intp]
    opened: Floats
