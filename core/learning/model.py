"""What is learned of the log, as it lies in an artifact: weights or trees, and their origin.

Numbers that could not come from a training are refused when a model is made.
"""

from math import isfinite

import msgspec

from core.errors import RejectedError
from core.learning.trees import Tree

MOST_WEIGHT = 10.0
"""Weights are set in [-1, 1]; a learned one beyond ten times that was learned of nonsense."""
MOST_VARIANCE = 100.0
MOST_FEATURES = 100


class Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the document; subclasses repeat the options they need."""


class Window(Strict, frozen=True, kw_only=True):
    """From the first answer that was learned from to the last. Units: Unix milliseconds."""

    from_ms: int
    to_ms: int


class Fit(Strict, frozen=True, kw_only=True):
    """How well a ranker foretells what was opened of answers that it was not fitted on.

    Units: `log_loss` in nats a shown item; `ndcg` in [0, 1], of answers of which
    anything was opened, an opening counting the more the less people look at its rank.
    """

    log_loss: float
    ndcg: float


class Metrics(Strict, frozen=True, kw_only=True):
    """The learned ranker and the static one on the same later part of the log."""

    rows: int
    answers: int
    learned: Fit
    static: Fit


class Training(Strict, frozen=True, kw_only=True):
    """What a model was learned from. Of `metrics` there are none where there was too little.

    The versions are those that the answers of the log were made with.
    """

    window: Window
    rows: int
    answers: int
    config_versions: tuple[str, ...] = ()
    catalogue_versions: tuple[str, ...] = ()
    metrics: Metrics | None = None


class LinearModel(Strict, frozen=True, kw_only=True, tag_field="kind", tag="linear"):
    """Weights of scorers, in the units of the static ones that they started from.

    Shape: `weights` and `prior` by `features`, `factor` the lower triangle of the
    Cholesky factor of their covariance, row by row.
    Raises where it is made: RejectedError for numbers that no training gives.
    """

    features: tuple[str, ...]
    weights: tuple[float, ...]
    prior: tuple[float, ...]
    factor: tuple[tuple[float, ...], ...]
    training: Training

    def __post_init__(self) -> None:
        """See the class."""
        check_features(self.features)
        count = len(self.features)
        if len(self.weights) != count or len(self.prior) != count:
            raise RejectedError("there must be one weight and one prior a feature")
        for name, weight in zip(self.features * 2, (*self.weights, *self.prior), strict=True):
            if not abs(weight) <= MOST_WEIGHT:
                raise RejectedError(f"the weight of {name} is {weight}")
        if [len(row) for row in self.factor] != list(range(1, count + 1)):
            raise RejectedError("the covariance's factor is no triangle of all features")
        if not all(abs(entry) ** 2 <= MOST_VARIANCE for row in self.factor for entry in row):
            raise RejectedError("the covariance is beyond all bounds")

    def named(self) -> dict[str, float]:
        """The weights by their scorers."""
        return dict(zip(self.features, self.weights, strict=True))


class TreesModel(Strict, frozen=True, kw_only=True, tag_field="kind", tag="trees"):
    """Boosted trees over the scorers' values, a value that is missing being 0.

    Units: leaves in those of the static scores.
    Raises where it is made: RejectedError for what is no forest.
    """

    features: tuple[str, ...]
    trees: tuple[Tree, ...]
    training: Training

    def __post_init__(self) -> None:
        """See the class."""
        check_features(self.features)
        if not self.trees:
            raise RejectedError("there is no tree")
        for number, tree in enumerate(self.trees):
            if (wrong := tree.wrong(len(self.features))) is not None:
                raise RejectedError(f"tree {number} {wrong}")
        if not sum(tree.most() for tree in self.trees) <= MOST_WEIGHT * len(self.features):
            raise RejectedError("the trees add up beyond all bounds")


Model = LinearModel | TreesModel


def check_features(features: tuple[str, ...]) -> None:
    """Raises: RejectedError unless there are some, and each once."""
    if not features or len(features) > MOST_FEATURES or len(set(features)) < len(features):
        raise RejectedError("there must be features, and each once")


def check_fit(training: Training) -> None:
    """Raises: RejectedError for measures that are none."""
    if training.rows < 0 or training.window.from_ms > training.window.to_ms:
        raise RejectedError("its data window is none")
    if training.metrics is None:
        return
    for fit in (training.metrics.learned, training.metrics.static):
        if not (isfinite(fit.log_loss) and isfinite(fit.ndcg)):
            raise RejectedError("its metrics are no numbers")
