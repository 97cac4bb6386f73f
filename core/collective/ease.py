"""EASE: what a like of one item says about every other, all likes considered together.

Source: H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
"""

import numpy as np
import numpy.typing as npt

from core.collective.lists import NeighbourLists

_ROWS_AT_ONCE = 500

Gram = npt.NDArray[np.float32]


def ease_lists(gram: Gram, *, regularization: float, most: int, count: int) -> NeighbourLists:
    """The entries of the greatest weight, whichever its sign, of every liked item.

    Shape: `gram` (n, n) how often two items are liked together, on its diagonal how
        often each is; it is used up. Gives lists of `count` rows, of which the
        first n have entries.
    """
    size = len(gram)
    gram[np.diag_indices(size)] += np.float32(regularization)
    inverse = np.linalg.inv(gram)
    scale = np.diag(inverse).copy()
    sources, rows, weights = [], [], []
    for begin in range(0, size, _ROWS_AT_ONCE):
        part = -inverse[begin : begin + _ROWS_AT_ONCE] / scale
        own = np.arange(len(part))
        part[own, begin + own] = 0.0
        kept = _largest(np.abs(part), min(most, size - 1))
        at = np.repeat(own, kept.shape[1])
        chosen = kept.ravel()
        sources.append(begin + at)
        rows.append(chosen)
        weights.append(part[at, chosen].astype(np.float64))
    if not sources:
        nothing = np.zeros(0, dtype=np.intp)
        return NeighbourLists.of(nothing, nothing, np.zeros(0), count)
    return NeighbourLists.of(
        np.concatenate(sources), np.concatenate(rows), np.concatenate(weights), count
    )


def _largest(amounts: Gram, most: int) -> npt.NDArray[np.intp]:
    """The columns of the greatest amounts in each row. Shape: (r, n) to (r, most)."""
    width = amounts.shape[1]
    if not most:
        return np.zeros((len(amounts), 0), dtype=np.intp)
    return np.argpartition(amounts, width - most, axis=1)[:, width - most :]
