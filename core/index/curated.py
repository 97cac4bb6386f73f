"""What curators say about single items: times, pins, groups, and what to read next."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.index.best import best_rows
from core.index.scope import Scope
from core.index.sums import sums_by_row
from core.ragged import Numbers, Rows, Starts, members
from core.strings import StringTable


class TimedRows(msgspec.Struct, frozen=True):
    """The rows that are not always valid. Shape: all (k,). Units: Unix milliseconds."""

    rows: Numbers
    valid_from_ms: npt.NDArray[np.int64]
    valid_until_ms: npt.NDArray[np.int64]

    def closed(self, now_ms: int) -> Rows:
        """Those that are not valid then."""
        shut = (now_ms < self.valid_from_ms) | (self.valid_until_ms <= now_ms)
        return self.rows[shut].astype(np.intp)


class Groups(msgspec.Struct, frozen=True):
    """The rows of every group that is shown together, hidden ones too.

    Shape: those of group g are `rows[starts[g]:starts[g + 1]]`, by id; `names` is sorted.
    """

    names: StringTable
    starts: Starts
    rows: Numbers

    def find(self, names: Sequence[str]) -> Mapping[str, Rows]:
        """The groups that exist among `names`."""
        places = {name: self.names.index(name) for name in names}
        return {
            name: self.rows[self.starts[place] : self.starts[place + 1]].astype(np.intp)
            for name, place in places.items()
            if place is not None
        }


WEIGHT_STEPS = 60_000
"""A weight of four decimals is a whole number of these, and two bytes hold it."""


class RelatedLists(msgspec.Struct, frozen=True):
    """The shown rows that every row names as related.

    Shape: those of row r are `rows[starts[r]:starts[r + 1]]`, with their `weights`
        in steps of 1/60,000.
    """

    starts: Starts
    rows: Numbers
    weights: npt.NDArray[np.uint16]

    def best(
        self,
        sources: Rows,
        source_weights: npt.NDArray[np.float64],
        order: Numbers,
        limit: int,
        scope: Scope,
    ) -> Rows:
        """The rows of the greatest sums of source weight times relation weight, ties by id."""
        places, owners = members(self.starts, sources)
        named = self.rows[places].astype(np.intp)
        amounts = source_weights[owners] * self.weights[places]
        rows, sums = sums_by_row(named, amounts, len(order))
        inside = ~scope.blocked[rows]
        rows, sums = rows[inside], sums[inside]
        return best_rows(rows, sums, order[rows], limit)
