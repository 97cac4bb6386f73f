"""Maximal marginal relevance: the next item is relevant and unlike those before it.

Source: J. Carbonell, J. Goldstein, "The use of MMR", SIGIR 1998.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from core.config import RankingConfig
from core.ragged import Rows
from core.ranking.fusion import MICRO, Micros
from core.vectors import Floats, GridMatrix, cosines


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What decides about one item: the greatest `relevance - penalty` comes next.

    `closest` is the item before it that the penalty comes from, None for the first.
    """

    relevance: float
    penalty: float
    closest: int | None

    @property
    def value(self) -> float:
        """Relevance less penalty."""
        return self.relevance - self.penalty


class Diversified:
    """An order whose best `mmr_pool` are rearranged by MMR, the rest behind them.

    The pool does not depend on how many items are taken, so a longer list
    starts with the shorter one. Ties go to whichever stands first in `order`.
    """

    def __init__(
        self, order: Rows, total: Micros, vectors: GridMatrix, config: RankingConfig
    ) -> None:
        """Shape: `order` indices into `total` (n,), best first; `vectors` (pool, dim)."""
        self.order = order
        self.reached: list[int] = []
        """What was handed out so far."""
        self._pool = order[: config.mmr_pool]
        self._picked: list[int] = []
        self._place_of: dict[int, int] = {}
        if len(self._pool):
            self._relevance = config.relevance * _relevance(total[self._pool], config)
            self._penalties = (1.0 - config.relevance) * cosines(vectors, vectors)

    def hand_out(self) -> Iterator[int]:
        """The items, each when it is asked for; to be called once."""
        for place in self._picks() if len(self._pool) else ():
            self._picked.append(place)
            index = int(self._pool[place])
            self.reached.append(index)
            yield index
        for index in self.order[len(self._pool) :].tolist():
            self.reached.append(index)
            yield index

    def step(self, index: int, after: int | None = None) -> Step | None:
        """What decided, or would have decided, about an item; None for one behind the pool.

        After so many others were handed out; for an item that was handed out
        itself, after all those that were before it.
        """
        if not self._place_of:
            self._place_of = {one: place for place, one in enumerate(self._pool.tolist())}
        place = self._place_of.get(index)
        if place is None:
            return None
        if after is None:
            after = self._picked.index(place) if place in self._picked else len(self._picked)
        relevance = self._relevance.item(place)
        if not self._picked[:after]:
            return Step(relevance=relevance, penalty=0.0, closest=None)
        penalties = self._penalties[place].tolist()  # the cosines are the same both ways
        closest = max(self._picked[:after], key=penalties.__getitem__)
        return Step(
            relevance=relevance, penalty=penalties[closest], closest=int(self._pool[closest])
        )

    def _picks(self) -> Iterator[int]:
        """Places in the pool."""
        left = self._relevance.copy()
        best = int(left.argmax())
        closest = self._penalties[best].copy()
        yield best
        for _ in range(len(left) - 1):
            left[best] = -np.inf
            best = int((left - closest).argmax())
            yield best
            np.maximum(closest, self._penalties[best], out=closest)


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
