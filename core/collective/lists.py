"""Neighbour lists: for every item the few others that say most, with a weight each."""

import msgspec
import numpy as np
import numpy.typing as npt

from core.ragged import Numbers, Rows, Starts, members, starts_of
from core.vectors import Floats

Weights = npt.NDArray[np.float32]


class NeighbourLists(msgspec.Struct, frozen=True):
    """Shape: the neighbours of row r are `rows[starts[r]:starts[r + 1]]`, with `weights`."""

    starts: Starts
    rows: Numbers
    weights: Weights

    @classmethod
    def of(cls, sources: Rows, rows: Rows, weights: Floats, count: int) -> "NeighbourLists":
        """From entries in any order, as lists of `count` rows. Shape: all (k,)."""
        sorter = np.lexsort((rows, sources))
        lengths = np.bincount(sources, minlength=count)
        return cls(
            starts_of(lengths),
            rows[sorter].astype(np.int32),
            weights[sorter].astype(np.float32),
        )

    def summed(self, sources: Rows, amounts: Floats, count: int) -> Floats:
        """What lists say together: the sums of amount times weight. Shape: (k,) to (count,)."""
        places, owners = members(self.starts, sources)
        products = amounts[owners] * self.weights[places]
        sums = np.bincount(self.rows[places], weights=products, minlength=count)
        return sums.astype(np.float64, copy=False)  # of whole numbers where there is nothing


def strongest(sources: Rows, rows: Rows, strengths: Floats, most: int) -> Rows:
    """The places of the strongest `most` entries of each source, ties by row. Shape: (k,)."""
    sorter = np.lexsort((rows, -strengths, sources))
    lengths = np.bincount(sources)
    first = np.repeat(np.cumsum(lengths) - lengths, lengths)
    kept: Rows = sorter[np.arange(len(sorter)) - first < most]
    return kept
