"""Finds the cells: k-means on a sample, in whole numbers, so that every machine finds the same.

Products of grid vectors are exact; sums of them are whole numbers that float64
holds; what is rounded is rounded once, by IEEE's rules, without a reduction.
"""

from math import isqrt

import numpy as np

from core.index.cells import VectorCells
from core.index.draw import drawn
from core.ragged import Rows, starts_of
from core.vectors import GRID, Floats, GridMatrix

_ONE_CELL_BELOW = 4_000
"""Smaller catalogues are one cell, searched whole and exactly."""
_CELL_LEAST = 64
"""Mean rows of a cell: of smaller ones the calls would cost more than the rows."""
_SAMPLE_A_CELL = 32
_TURNS = 8
_SEED = 5
_AT_ONCE = 4_096
_FINE = 16.0
"""Means are taken in sixteenths of the grid, so that rounding does not turn a short one."""


def cell_count(items: int) -> int:
    """How many cells a catalogue of that size has: three times the root, fewer if it is small."""
    if items < _ONE_CELL_BELOW:
        return 1
    return min(3 * isqrt(items), items // _CELL_LEAST)


def train_centroids(vectors: GridMatrix, count: int) -> GridMatrix:
    """Centroids on the grid. Shape: (n, dim) to (count, dim)."""
    rows = drawn(len(vectors), count * _SAMPLE_A_CELL, _SEED, lambda found: found)
    sample = vectors[rows]
    centroids = sample[:count].copy()
    for _ in range(_TURNS):
        nearest = nearest_centroids(sample, centroids)
        cells, means = _means(sample, nearest)
        centroids[cells] = means
    return centroids


def nearest_centroids(vectors: GridMatrix, centroids: GridMatrix) -> Rows:
    """The closest centroid of each vector, of equal ones the first. Shape: (n,)."""
    parts = [
        np.argmax(vectors[first : first + _AT_ONCE] @ centroids.T, axis=1)
        for first in range(0, len(vectors), _AT_ONCE)
    ]
    return np.concatenate([np.zeros(0, dtype=np.intp), *parts])


def cells_of(vectors: GridMatrix, centroids: GridMatrix) -> tuple[VectorCells, Rows]:
    """The cells that have rows, and the rows sorted by cell. Shape: (n, dim), (k, dim)."""
    nearest = nearest_centroids(vectors, centroids)
    unplaced = ~vectors.any(axis=1)
    if len(centroids) > 1 and unplaced.any():  # texts without a word are near to nothing
        nearest[unplaced] = len(centroids)
        centroids = np.concatenate([centroids, np.zeros_like(centroids[:1])])
    rows = np.argsort(nearest, kind="stable")
    sizes = np.bincount(nearest, minlength=len(centroids))
    closeness = np.empty(len(vectors))
    for first in range(0, len(vectors), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        closeness[part] = np.einsum("ij,ij->i", vectors[part], centroids[nearest[part]])
    used = np.flatnonzero(sizes)
    sums = np.bincount(nearest, weights=closeness, minlength=len(centroids))[used]
    cohesion = np.clip(sums / sizes[used] / (GRID * GRID), 0.0, 1.0)
    cohesion[~centroids[used].any(axis=1)] = 1.0  # its rows stray nowhere
    return VectorCells(centroids[used], starts_of(sizes[used]), cohesion), rows


def _means(vectors: GridMatrix, cells: Rows) -> tuple[Rows, GridMatrix]:
    """The mean direction of the vectors of each cell that has some."""
    sorter = np.argsort(cells, kind="stable")
    used, firsts, sizes = np.unique(cells[sorter], return_index=True, return_counts=True)
    sums = np.add.reduceat(vectors[sorter], firsts, axis=0, dtype=np.float64)
    return used, _directions(np.rint(sums * _FINE / sizes[:, None]))


def _directions(whole: Floats) -> GridMatrix:
    """Rows of whole numbers as grid vectors; zeros stay zeros."""
    squares = np.add.reduce(whole * whole, axis=1)  # below 2^53, so exact
    lengths = np.sqrt(np.maximum(squares, 1.0))
    directions: GridMatrix = np.rint(whole * (GRID / lengths)[:, None]).astype(np.float32)
    return directions
