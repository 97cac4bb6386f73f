"""Maximal marginal relevance: the next item is relevant and unlike those before it.

Source: J. Carbonell, J. Goldstein, "The use of MMR", SIGIR 1998.
"""

from collections.abc import Sequence

import numpy as np

from core.config import RankingConfig
from core.ranking.fusion import MICRO, Micros
from core.vectors import Floats, GridMatrix, cosines


def diversify(
    order: Sequence[int], total: Micros, matrix: GridMatrix, config: RankingConfig, count: int
) -> list[int]:
    """The first `count` of `order`, its best `mmr_pool` reordered by MMR, the rest behind them.

    The pool does not depend on how many items are asked for, so a longer list
    starts with the shorter one. Ties go to whichever stands first in `order`
    among equals, and at equal score that is the smaller id.

    Shape: `order` row numbers, best first; `total` (n,); `matrix` (n, dim).
    """
    pool = np.asarray(order[: config.mmr_pool], dtype=np.intp)
    rest = list(order[config.mmr_pool : count])
    if not len(pool):
        return rest
    relevance = config.relevance * _relevance(total[pool], config)
    similar = cosines(matrix[pool], matrix[pool])
    closest = np.full(len(pool), -np.inf)
    picked: list[int] = []
    for _ in range(min(count, len(pool))):
        penalty = closest if picked else np.zeros(len(pool))
        value = relevance - (1.0 - config.relevance) * penalty
        value[picked] = -np.inf
        best = int(np.argmax(value))
        picked.append(best)
        closest = np.maximum(closest, similar[best])
    return [int(pool[index]) for index in picked] + rest


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
