"""`Forest`: ranks by learned trees, in numpy, with what each scorer did to each score.

A scorer's part is how much the tree's expectation changes at the nodes that ask
for it. A leaf's parts are rounded once, to whole millionths, and its value is
their sum: so the parts of an item add up to its score.
Source: A. Saabas, "Interpreting random forests", 2014.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from core.learning.model import TreesModel
from core.learning.trees import Tree
from core.ranking.fusion import BASE, MICRO, Fused, Micros
from core.vectors import Floats

_Indices = npt.NDArray[np.intp]


class Forest:
    """A `Ranker` of a model's trees, all of them walked at once."""

    def __init__(self, model: TreesModel) -> None:
        """Lay the trees out one behind the other; a leaf leads to itself."""
        self.model = model
        self._features = model.features
        laid = [_Laid(tree, len(model.features)) for tree in model.trees]
        starts = np.cumsum([0, *(len(one.feature) for one in laid)])
        self._roots = starts[:-1]
        self._depth = max(one.depth for one in laid)
        self._feature = np.concatenate([one.feature for one in laid])
        self._threshold = np.concatenate([one.threshold for one in laid])
        placed = list(zip(laid, self._roots, strict=True))
        self._left = np.concatenate([one.left + start for one, start in placed])
        self._right = np.concatenate([one.right + start for one, start in placed])
        self._parts = np.concatenate([one.parts for one in laid])
        self._base = sum(one.base for one in laid)

    def fuse(self, scores: Mapping[str, Floats], count: int) -> Fused:
        """The sum over the trees, a scorer that says nothing being 0."""
        values = {name: scores.get(name, np.zeros(count)) for name in self._features}
        reached = self._leaves(np.column_stack(list(values.values())))
        sums = self._parts[reached].sum(axis=1)
        parts: dict[str, Micros] = dict(zip(self._features, sums.T, strict=True))
        parts[BASE] = np.full(count, self._base, dtype=np.int64)
        total = sums.sum(axis=1) + self._base
        return Fused(total=total, parts=parts, values={**values, BASE: np.ones(count)}, weights={})

    def _leaves(self, values: Floats) -> _Indices:
        """Shape: (n, features) to (n, trees)."""
        rows = np.arange(len(values))[:, None]
        nodes = np.broadcast_to(self._roots, (len(values), len(self._roots)))
        for _ in range(self._depth):
            goes_left = values[rows, self._feature[nodes]] <= self._threshold[nodes]
            nodes = np.where(goes_left, self._left[nodes], self._right[nodes])
        return nodes


class _Laid:
    """One tree, inner nodes first. Shape: `parts` (nodes, features), 0 but for leaves."""

    def __init__(self, tree: Tree, features: int) -> None:
        inner, leaves = len(tree.feature), len(tree.leaf)
        own = np.arange(inner, inner + leaves)
        nothing = np.zeros(leaves)
        self.feature = np.array((*tree.feature, *([0] * leaves)), dtype=np.intp)
        self.threshold = np.concatenate([np.array(tree.threshold, dtype=np.float64), nothing])
        self.left = np.concatenate([_placed(tree.left, inner), own])
        self.right = np.concatenate([_placed(tree.right, inner), own])
        said = (*tree.inner, *tree.leaf)
        self.base = round(said[0] * MICRO)
        exact = np.zeros((inner + leaves, features))
        depths = [0] * (inner + leaves)
        for at in range(inner):  # a parent comes before its children
            for child in (int(self.left[at]), int(self.right[at])):
                exact[child] = exact[at]
                exact[child, tree.feature[at]] += said[child] - said[at]
                depths[child] = depths[at] + 1
        self.depth = max(depths)
        self.parts: Micros = np.rint(exact * MICRO).astype(np.int64)


def _placed(children: tuple[int, ...], inner: int) -> _Indices:
    """Leaves stand behind the inner nodes."""
    return np.array([one if one >= 0 else inner - 1 - one for one in children], dtype=np.intp)
