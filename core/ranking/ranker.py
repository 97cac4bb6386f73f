"""`Ranker`: makes one score of the scorers' values; the weighted sum unless one was learned."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from core.config import ScorerWeights
from core.ranking.fusion import Fused, fuse
from core.vectors import Floats


class Ranker(Protocol):
    """Scores items from what the scorers say of them."""

    def fuse(self, scores: Mapping[str, Floats], count: int) -> Fused:
        """The scores of `count` items; the parts of each add up to it in whole millionths."""
        ...


class WeightedSum(msgspec.Struct, frozen=True):
    """Every scorer's value times its weight."""

    weights: ScorerWeights

    def fuse(self, scores: Mapping[str, Floats], count: int) -> Fused:
        """The sums."""
        return fuse(scores, self.weights, count)
