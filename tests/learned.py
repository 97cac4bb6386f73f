"""Models for tests, as a training might have made them."""

import numpy as np

from core.config import ScorerWeights
from core.learning.examples import Examples
from core.learning.model import LinearModel, Training, TreesModel, Window
from core.learning.trees import Tree
from core.policies.policy import SCORERS

STATIC = {name: float(getattr(ScorerWeights(), name)) for name in SCORERS}
TRAINING = Training(window=Window(from_ms=1, to_ms=2_000), rows=10, answers=1)


def linear_model(sd: float = 0.1, **weights: float) -> LinearModel:
    """The static weights but for those that are named."""
    count = len(STATIC)
    return LinearModel(
        features=SCORERS,
        weights=tuple((STATIC | weights).values()),
        prior=tuple(STATIC.values()),
        factor=tuple(tuple(sd * (at == row) for at in range(row + 1)) for row in range(count)),
        training=TRAINING,
    )


def trees_model() -> TreesModel:
    """Two trees: one of tags and of taste, and one of nothing."""
    first = Tree(
        feature=(1, 0),
        threshold=(0.3, 0.7),
        left=(-1, -2),
        right=(1, -3),
        inner=(0.21, 0.4),
        leaf=(0.1, 0.35, 0.6000004),
    )
    second = Tree(feature=(), threshold=(), left=(), right=(), inner=(), leaf=(0.05,))
    return TreesModel(features=("semantic", "tag"), trees=(first, second), training=TRAINING)


def synthetic(answers: int, weights: dict[str, float], *, seed: int, rows: int = 10) -> Examples:
    """Answers by the static order, opened by `weights` and by position."""
    random = np.random.default_rng(seed)
    values = random.random((answers * rows, len(SCORERS)), dtype=np.float32)
    answer = np.repeat(np.arange(answers, dtype=np.int32), rows)
    shown = values @ np.array([STATIC[name] for name in SCORERS])
    values = values[np.lexsort((-shown, answer))]
    position = np.tile(np.arange(rows, dtype=np.uint8), answers)
    odds = -4.0 - 0.25 * position + 3.0 * (values @ np.array([weights[one] for one in SCORERS]))
    opened = random.random(len(odds)) < 1.0 / (1.0 + np.exp(-odds))
    return Examples(
        features=SCORERS,
        values=values,
        position=position,
        opened=opened,
        answer=answer,
        at_ms=np.arange(answers, dtype=np.int64) * 1000,
    )
