"""Adds up what many entries say of the same rows."""

import numpy as np

from core.ragged import Rows
from core.vectors import Floats


def sums_by_row(entries: Rows, amounts: Floats, count: int) -> tuple[Rows, Floats]:
    """The rows with a sum above 0, each once, and their sums.

    An entry's time does not depend on `count`, the number of all rows: of the
    memory for all of them only the rows' own places are touched.

    Shape: `entries` and `amounts` (k,).
    """
    last = np.empty(count, dtype=np.intp)
    last[entries] = np.arange(len(entries))
    sums = np.bincount(last[entries], weights=amounts, minlength=len(entries))
    found = np.flatnonzero(sums > 0)  # the sum of a row stands at its last entry; elsewhere is 0
    return entries[found], sums[found].astype(np.float64, copy=False)
