"""`Tree`: a tree of decisions by scorers' values, as LightGBM grows it, in plain arrays."""

from collections.abc import Sequence
from math import isfinite

import msgspec

MOST_NODES = 255


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An inner node sends values of at most its threshold to the left.

    Shape: `feature`, `threshold`, `left`, `right` and `inner` one an inner node, the
        first the root; `leaf` one more than those. A child is the number of an inner
        node, or `-1 - the number` of a leaf.
    Units: `inner` is what the tree says in the mean below a node, `leaf` what it says.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    inner: tuple[float, ...]
    leaf: tuple[float, ...]

    def wrong(self, features: int) -> str | None:
        """What is wrong with it, in words that follow a subject."""
        count = len(self.feature)
        columns: Sequence[Sequence[float]] = (self.threshold, self.left, self.right, self.inner)
        if any(len(one) != count for one in columns) or len(self.leaf) != count + 1:
            return "is cut off"
        if count > MOST_NODES:
            return f"has more than {MOST_NODES} nodes"
        if not all(0 <= one < features for one in self.feature):
            return "asks for a feature that there is not"
        if not all(map(isfinite, (*self.threshold, *self.inner, *self.leaf))):
            return "has a number that is none"
        return self._misgrown()

    def _misgrown(self) -> str | None:
        """Every node but the root has one parent, which comes before it."""
        count = len(self.feature)
        wanted = [*range(-1 - count, 0), *range(1, count)] if count else []
        if sorted((*self.left, *self.right)) != wanted:
            return "is no tree: a node has no parent, or two"
        for at, children in enumerate(zip(self.left, self.right, strict=True)):
            if any(0 <= child <= at for child in children):
                return "is no tree: a node comes before its parent"
        return None

    def most(self) -> float:
        """The most that it can say, either way."""
        return max(map(abs, self.leaf))
