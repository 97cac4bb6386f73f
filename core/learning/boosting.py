"""`train_trees`: boosted trees of the scorers' values, measured as weights are.

Scorers push scores the way their static weight does, or not at all: trees that
learned of few openings that what is near is worse would be believed otherwise.
Leaves are scaled to the units of the static scores, so that what is set in those
(the noise of explorations) means the same.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from core.learning.examples import Examples
from core.learning.forest import Forest
from core.learning.linear import fit
from core.learning.measures import fit_of, gains_of
from core.learning.model import Fit, Metrics, TreesModel
from core.learning.training import (
    LEARNED_SHARE,
    Versions,
    require_enough,
    static_fit,
    training_of,
)
from core.learning.trees import Tree
from core.ranking.fusion import MICRO
from core.vectors import Floats

Grow = Callable[[Examples, Sequence[int]], Sequence[Tree]]
"""Grows trees to examples, monotone (1 or -1) in each feature. Raises: RejectedError."""
_AT_ONCE = 20_000


def train_trees(
    examples: Examples, static: Mapping[str, float], versions: Versions, grow: Grow
) -> TreesModel:
    """Trees, grown of all answers; measured by ones of the earlier answers alone.

    Raises: RejectedError where there is too little to learn from.
    """
    require_enough(examples)
    prior = np.array([static[name] for name in examples.features])
    signs = [1 if weight >= 0 else -1 for weight in prior.tolist()]
    earlier, later = examples.split(LEARNED_SHARE)
    gains = gains_of(fit(earlier, prior), later)
    tried = _grown(earlier, grow(earlier, signs), versions)
    found = Metrics(
        rows=len(later),
        answers=later.answers,
        learned=_fit(Forest(tried), earlier, later, gains),
        static=static_fit(earlier, later, prior, gains),
    )
    grown = _grown(examples, grow(examples, signs), versions, found)
    wanted = _spread(examples, examples.values @ prior)
    scale = wanted / max(_spread(examples, _totals(Forest(grown), examples)), 1e-9)
    return msgspec.structs.replace(grown, trees=tuple(_scaled(tree, scale) for tree in grown.trees))


def _grown(
    examples: Examples, trees: Sequence[Tree], versions: Versions, found: Metrics | None = None
) -> TreesModel:
    return TreesModel(
        features=examples.features,
        trees=tuple(trees),
        training=training_of(examples, versions, found),
    )


def _fit(forest: Forest, earlier: Examples, later: Examples, gains: Floats) -> Fit:
    """As the scores of one scorer, whose weight is 1."""
    alone = [_as_one(forest, part) for part in (earlier, later)]
    fitted = fit(alone[0], np.ones(1), 0.0)
    return fit_of(fitted, alone[1], alone[1].values[:, 0].astype(np.float64), gains)


def _as_one(forest: Forest, examples: Examples) -> Examples:
    totals = _totals(forest, examples).astype(np.float32)[:, None]
    return msgspec.structs.replace(examples, features=("trees",), values=totals)


def _totals(forest: Forest, examples: Examples) -> Floats:
    """The scores of all rows, some at a time: a walk takes room for each row and tree."""
    made = np.zeros(len(examples))
    for start in range(0, len(examples), _AT_ONCE):
        part = examples.values[start : start + _AT_ONCE].astype(np.float64)
        values = dict(zip(examples.features, part.T, strict=True))
        made[start : start + _AT_ONCE] = forest.fuse(values, len(part)).total / MICRO
    return made


def _spread(examples: Examples, totals: Floats) -> float:
    """The standard deviation within answers, for only that decides an order."""
    sizes = np.maximum(np.bincount(examples.answer, minlength=examples.answers), 1)
    sums = np.bincount(examples.answer, weights=totals, minlength=examples.answers)
    return float(np.std(totals - (sums / sizes)[examples.answer]))


def _scaled(tree: Tree, scale: float) -> Tree:
    return msgspec.structs.replace(
        tree,
        inner=tuple(value * scale for value in tree.inner),
        leaf=tuple(value * scale for value in tree.leaf),
    )
