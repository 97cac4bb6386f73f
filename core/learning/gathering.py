"""Gathers logged answers into `Examples`, whichever order they come in."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.learning.examples import MOST_POSITIONS, ROWS_AT_ONCE, Examples
from core.vectors import Floats


class ShownRow(msgspec.Struct, frozen=True):
    """An item of an answer: what the scorers said of it, and whether it was opened.

    Units: `rank` from 1.
    """

    rank: int
    values: Mapping[str, float]
    opened: bool


class Gathering:
    """Grows by answers, in blocks: of what was added no list of objects is kept."""

    def __init__(self, features: Sequence[str]) -> None:
        """`features` are the scorers whose values are kept."""
        self._features = tuple(features)
        self._column = {name: at for at, name in enumerate(self._features)}
        self._full: list[_Block] = []
        self._block = _Block(len(self._features))
        self._at_ms: list[int] = []

    def add(self, at_ms: int, items: Sequence[ShownRow]) -> None:
        """One answer. Units: Unix milliseconds."""
        number = len(self._at_ms)
        self._at_ms.append(at_ms)
        for item in sorted(items, key=lambda one: one.rank):
            values = np.zeros(len(self._features))
            for name, value in item.values.items():
                if (at := self._column.get(name)) is not None:
                    values[at] = value
            self._room().put(values, item.rank - 1, item.opened, number)

    def add_shown(self, at_ms: int, values: Floats, opened: npt.NDArray[np.bool_]) -> None:
        """One answer whose values are in columns already. Shape: (k, features) and (k,)."""
        number = len(self._at_ms)
        self._at_ms.append(at_ms)
        for place in range(len(opened)):
            self._room().put(values[place], place, bool(opened[place]), number)

    def examples(self) -> Examples:
        """All that was added, by its time; what was gathered is given away."""
        blocks, self._full = [*self._full, self._block], []
        whole = _Block(len(self._features), sum(block.rows for block in blocks))
        while blocks:
            whole.take(blocks.pop(0))  # which is gone then: never is all of it there twice
        values, position, opened, answer = (
            whole.values,
            whole.position,
            whole.opened,
            whole.answer,
        )
        at_ms = np.array(self._at_ms, dtype=np.int64)
        order = np.argsort(at_ms, kind="stable")
        if not np.array_equal(order, np.arange(len(order))):
            turn = np.empty(len(order), dtype=np.int32)
            turn[order] = np.arange(len(order), dtype=np.int32)
            answer = turn[answer]
            rows = np.argsort(answer, kind="stable")
            values, position, opened = values[rows], position[rows], opened[rows]
            answer, at_ms = answer[rows], at_ms[order]
        return Examples(
            features=self._features,
            values=values,
            position=position,
            opened=opened,
            answer=answer,
            at_ms=at_ms,
        )

    def _room(self) -> "_Block":
        """A block that is not full."""
        if self._block.rows == ROWS_AT_ONCE:
            self._full.append(self._block)
            self._block = _Block(len(self._features))
        return self._block


class _Block:
    """Room for a number of rows."""

    def __init__(self, features: int, room: int = ROWS_AT_ONCE) -> None:
        self.rows = 0
        self.values: npt.NDArray[np.float32] = np.zeros((room, features), np.float32)
        self.position: npt.NDArray[np.uint8] = np.zeros(room, np.uint8)
        self.opened: npt.NDArray[np.bool_] = np.zeros(room, np.bool_)
        self.answer: npt.NDArray[np.int32] = np.zeros(room, np.int32)

    def take(self, other: "_Block") -> None:
        """The other's rows come next."""
        start, self.rows = self.rows, self.rows + other.rows
        for name in ("values", "position", "opened", "answer"):
            getattr(self, name)[start : self.rows] = getattr(other, name)[: other.rows]

    def put(self, values: Floats, place: int, opened: bool, answer: int) -> None:  # noqa: FBT001
        """The next row."""
        row = self.rows
        self.values[row] = values
        self.position[row] = min(place, MOST_POSITIONS - 1)
        self.opened[row] = opened
        self.answer[row] = answer
        self.rows += 1
