"""The best of many rows, by value and then by id."""

import numpy as np

from core.ragged import Numbers, Rows
from core.vectors import Floats, GridVector


def best_rows(rows: Rows, values: Floats | GridVector, order: Rows | Numbers, limit: int) -> Rows:
    """The rows of the greatest values, greatest first, ties by `order`.

    Shape: `rows`, `values` and `order` (k,); `order` is the position of the
        row's id among all ids.
    """
    if limit <= 0:
        return rows[:0]
    if len(rows) > limit:
        worst = np.partition(values, len(rows) - limit)[len(rows) - limit]
        above = np.flatnonzero(values > worst)
        tied = np.flatnonzero(values == worst)
        missing = limit - len(above)
        if len(tied) > missing:
            tied = tied[np.argpartition(order[tied], missing - 1)[:missing]]
        chosen = np.concatenate([above, tied])
        rows, values, order = rows[chosen], values[chosen], order[chosen]
    return rows[np.lexsort((order, -values))]
