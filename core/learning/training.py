"""`train`: examples to a model, measured on the latest of them against the static weights."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from core.errors import RejectedError
from core.learning.examples import Examples
from core.learning.linear import PRIOR_SD, Fitted, fit
from core.learning.measures import fit_of, gains_of
from core.learning.model import (
    MOST_WEIGHT,
    Fit,
    LinearModel,
    Metrics,
    Training,
    Window,
)
from core.vectors import Floats

LEAST_OPENED = 100
"""Of fewer openings nothing is learned but chance."""
LEARNED_SHARE = 0.8
_DECIMALS = 6
"""Weights are whole millionths, as the parts of scores are."""
_FACTOR_DECIMALS = 9


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """Of what the logged answers were made."""

    config: tuple[str, ...] = ()
    catalogue: tuple[str, ...] = ()


def train_linear(
    examples: Examples,
    static: Mapping[str, float],
    versions: Versions,
    prior_sd: float = PRIOR_SD,
) -> LinearModel:
    """Weights, fitted on all answers; measured by a fit on the earlier ones alone.

    Raises: RejectedError where there is too little to learn from.
    """
    require_enough(examples)
    prior = np.array([static[name] for name in examples.features])
    earlier, later = examples.split(LEARNED_SHARE)
    tried = fit(earlier, prior, prior_sd)
    gains = gains_of(tried, later)
    found = Metrics(
        rows=len(later),
        answers=later.answers,
        learned=fit_of(tried, later, later.values @ tried.weights, gains),
        static=static_fit(earlier, later, prior, gains),
    )
    final = fit(examples, prior, prior_sd)
    return linear_model(examples.features, prior, final, training_of(examples, versions, found))


def linear_model(
    features: Sequence[str], prior: Floats, found: Fitted, training: Training
) -> LinearModel:
    """The fit in an artifact's form. A weight that has not moved is the prior's to the last bit."""
    moved = np.clip(np.round(found.weights, _DECIMALS), -MOST_WEIGHT, MOST_WEIGHT)
    weights = np.where(np.abs(found.weights - prior) < 10**-_DECIMALS / 2, prior, moved)
    factor = np.linalg.cholesky(found.covariance).round(_FACTOR_DECIMALS).tolist()
    return LinearModel(
        features=tuple(features),
        weights=tuple(weights.tolist()),
        prior=tuple(prior.tolist()),
        factor=tuple(tuple(row[: at + 1]) for at, row in enumerate(factor)),
        training=training,
    )


def static_fit(earlier: Examples, later: Examples, prior: Floats, gains: Floats) -> Fit:
    """How well the static weights do, given the best positions and scale for them."""
    return fit_of(fit(earlier, prior, 0.0), later, later.values @ prior, gains)


def training_of(examples: Examples, versions: Versions, found: Metrics | None) -> Training:
    """Where a model comes from."""
    return Training(
        window=Window(from_ms=int(examples.at_ms[0]), to_ms=int(examples.at_ms[-1])),
        rows=len(examples),
        answers=examples.answers,
        config_versions=versions.config,
        catalogue_versions=versions.catalogue,
        metrics=found,
    )


def require_enough(examples: Examples) -> None:
    """Raises: RejectedError naming what there is too little of."""
    opened = int(np.count_nonzero(examples.opened))
    passed = len(examples) - opened
    if opened < LEAST_OPENED or passed < LEAST_OPENED:
        raise RejectedError(
            f"of {len(examples)} shown items {opened} were opened and {passed} not: "
            f"to learn from, there must be {LEAST_OPENED} of each"
        )
