"""Measures recall against brute force and decides how far searches go.

Asked is what visitors ask: for the neighbours of one item, for those of a
taste made of five items near each other, and between two such tastes.
"""

import numpy as np

from core.index.best import best_rows
from core.index.cells import Probe, VectorCells, VectorSearch
from core.index.draw import drawn
from core.index.scope import Scope
from core.ragged import Rows
from core.vectors import GridMatrix, to_grid

_QUERIES = 64
"""Of each of the three kinds."""
_LIMIT = 200
_LIKES = 5
_ENOUGH_RECALL = 0.965
"""A little above what is promised (0.95), for queries differ from these."""
_STILL_ENOUGH_RECALL = 0.96
"""What is kept of an index when a few items have changed."""
_REACHES = tuple(step / 100 for step in range(2, 61))
_MOST_ROWS_SHARE = 25.0
"""Times the root of the number of rows: 8,000 of 100,000, a millisecond of reading."""
_AT_ONCE = 1 << 15


def calibrate(vectors: GridMatrix, cells: VectorCells) -> tuple[Probe, float]:
    """How far to go in these cells, and the recall that was measured so.

    Shape: `vectors` (n, dim), sorted by cell.
    """
    most_rows = int(_MOST_ROWS_SHARE * len(vectors) ** 0.5)
    if len(cells.centroids) <= 1:
        return Probe(reach=0.0, most_rows=most_rows), 1.0
    queries, exact = _questions(vectors)
    while True:
        low, high = 0, len(_REACHES) - 1
        while low < high:  # recall rises with reach
            middle = (low + high) // 2
            probe = Probe(reach=_REACHES[middle], most_rows=most_rows)
            if recall(vectors, cells, probe, queries, exact) >= _ENOUGH_RECALL:
                high = middle
            else:
                low = middle + 1
        probe = Probe(reach=_REACHES[low], most_rows=most_rows)
        measured = recall(vectors, cells, probe, queries, exact)
        if measured >= _ENOUGH_RECALL or most_rows >= len(vectors):
            return probe, measured
        most_rows *= 2


def still_enough(vectors: GridMatrix, cells: VectorCells, probe: Probe) -> float | None:
    """The recall of searches that go so far, None where it is not what is promised."""
    measured = recall(vectors, cells, probe, *_questions(vectors))
    return measured if measured >= _STILL_ENOUGH_RECALL else None


def recall(
    vectors: GridMatrix, cells: VectorCells, probe: Probe, queries: GridMatrix, exact: Rows
) -> float:
    """The share of the exact neighbours that searches find. Shape: `exact` (queries, limit)."""
    everything = Scope.everything(len(vectors))
    search = VectorSearch(cells, vectors, np.arange(len(vectors), dtype=np.int32), probe)
    found = [
        np.isin(true, search.nearest(query, len(true), everything)).mean()
        for query, true in zip(queries, exact, strict=True)
    ]
    return float(np.mean(found))


def exact_nearest(vectors: GridMatrix, queries: GridMatrix, limit: int) -> Rows:
    """By brute force. Shape: (n, dim) and (m, dim) to (m, min(n, limit))."""
    rows = [np.zeros(0, dtype=np.intp)] * len(queries)
    products = [np.zeros(0, dtype=np.float32)] * len(queries)
    for first in range(0, len(vectors), _AT_ONCE):
        part = queries @ vectors[first : first + _AT_ONCE].T
        here = np.arange(first, first + part.shape[1])
        for index, values in enumerate(part):
            every = np.concatenate([rows[index], here])
            close = np.concatenate([products[index], values])
            kept = best_rows(np.arange(len(every)), close, every, limit)
            rows[index], products[index] = every[kept], close[kept]
    return np.stack(rows)


def _questions(vectors: GridMatrix) -> tuple[GridMatrix, Rows]:
    """Queries, and the exact answers."""
    queries = _queries(vectors)
    return queries, exact_nearest(vectors, queries, _LIMIT)


def _queries(vectors: GridMatrix) -> GridMatrix:
    rows = drawn(len(vectors), _QUERIES, 1, lambda found: found)
    items = vectors[rows]
    near = exact_nearest(vectors, items, _LIMIT)
    tastes = np.stack(
        [
            to_grid(vectors[own[drawn(len(own), _LIKES, seed, lambda found: found)]].sum(axis=0))
            for seed, own in enumerate(near)
        ]
    )
    between = np.stack(
        [to_grid(one + other) for one, other in zip(tastes, np.roll(tastes, 1, 0), strict=True)]
    )
    return np.concatenate([items, tastes, between])
