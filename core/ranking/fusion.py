"""Adds the scorers up so that the parts of an item are its score, to the last digit."""

from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from core.config import ScorerWeights
from core.vectors import Floats

MICRO = 1_000_000
"""Contributions are whole millionths: integers add up in any order."""
BASE = "base"
"""The part of a score that no scorer brings, the same for every item."""

Micros = npt.NDArray[np.int64]


class Fused(msgspec.Struct, frozen=True, kw_only=True):
    """Scores, and what they are made of.

    Shape: `total` (n,), each of `parts` (n,), each of `values` (n,) in [0, 1], what
        the scorer said before its weight. Units: `total` and `parts` millionths.
    `weights` is empty where a part is no product of its value.
    """

    total: Micros
    parts: Mapping[str, Micros]
    values: Mapping[str, Floats]
    weights: Mapping[str, float]

    def contributions(self, index: int) -> dict[str, float]:
        """The parts of one item."""
        return {name: values.item(index) / MICRO for name, values in self.parts.items()}

    def score(self, index: int) -> float:
        """The sum of the item's parts."""
        return self.total.item(index) / MICRO


def fuse(scores: Mapping[str, Floats], weights: ScorerWeights, count: int) -> Fused:
    """Weight every score and sum; `count` is the number of items."""
    used = {name: getattr(weights, name) for name in scores}
    parts = {
        name: np.rint(values * (used[name] * MICRO)).astype(np.int64)
        for name, values in scores.items()
    }
    total = np.zeros(count, dtype=np.int64)
    for values in parts.values():
        total = total + values
    return Fused(total=total, parts=parts, values=scores, weights=used)
