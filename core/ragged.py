"""Lists of different lengths, one after the other in a flat array.

List i is `values[starts[i]:starts[i + 1]]` (compressed sparse rows); what is
here finds the places of many lists at once, without a loop over them.
"""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
Starts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.int32]
"""Row numbers as they are stored."""


def starts_of(lengths: npt.NDArray[np.integer]) -> Starts:
    """Where lists of these lengths start, and where the last ends. Shape: (n,) to (n + 1,)."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=starts[1:])
    return starts


def spans(begins: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Rows:
    """Every place of the stretches that begin there and are so long, in their order."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    places: Rows = np.arange(total) + np.repeat(begins - (ends - lengths), lengths)
    return places


def members(starts: Starts, rows: npt.NDArray[np.integer]) -> tuple[Rows, Rows]:
    """The places of the lists `rows`, and for each place the position in `rows` it belongs to."""
    begins = starts[rows]
    lengths = starts[rows + 1] - begins
    return spans(begins, lengths), np.repeat(np.arange(len(rows)), lengths)
