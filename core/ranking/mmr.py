"""Maximal marginal relevance: the next item is relevant and unlike those before it.

Source: J. Carbonell, J. Goldstein, "The use of MMR", SIGIR 1998.
"""

from collections.abc import Iterator

import numpy as np

from core.config import RankingConfig
from core.ragged import Rows
from core.ranking.fusion import MICRO, Micros
from core.vectors import Floats, GridMatrix, cosines


def diversify(
    order: Rows, total: Micros, vectors: GridMatrix, config: RankingConfig
) -> Iterator[int]:
    """`order` with its best `mmr_pool` reordered by MMR, the rest behind them.

    The pool does not depend on how many items are taken, so a longer list
    starts with the shorter one. Ties go to whichever stands first in `order`.

    Shape: `order` indices into `total` (n,), best first; `vectors` (pool, dim)
        those of the pool.
    """
    pool = order[: config.mmr_pool]
    if len(pool):
        relevance = config.relevance * _relevance(total[pool], config)
        penalties = (1.0 - config.relevance) * cosines(vectors, vectors)
        for index in _picks(relevance, penalties):
            yield int(pool[index])
    yield from order[config.mmr_pool :].tolist()


def _picks(relevance: Floats, penalties: Floats) -> Iterator[int]:
    """Shape: (n,) and (n, n)."""
    left = relevance.copy()
    best = int(left.argmax())
    closest = penalties[best].copy()
    yield best
    for _ in range(len(relevance) - 1):
        left[best] = -np.inf
        best = int((left - closest).argmax())
        yield best
        np.maximum(closest, penalties[best], out=closest)


def _relevance(total: Micros, config: RankingConfig) -> Floats:
    """The fused scores, spread over [0, 1] unless `classic`.

    The ten best differ by some .025 in score and .083 in cosine: as they are,
    the similarity would decide alone.
    """
    fused = total.astype(np.float64)
    if config.mmr == "classic":
        return fused / MICRO
    low, high = float(fused.min()), float(fused.max())
    if high == low:
        return np.zeros(len(fused))
    spread: Floats = (fused - low) / (high - low)
    return spread
