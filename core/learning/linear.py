"""Fits weights to what was opened: logistic regression around the static weights.

    log-odds of an opening = intercept of the position + scale * (values . weights)

The intercepts take what a rank does by itself, so that weights are not learned of
it. The scale is one number, so that weights stay in the units of the static ones,
which are the mean of their prior: without data nothing changes. Damped Gauss-Newton
steps, each one pass over the rows; the posterior is Laplace's.
Source: D. MacKay, "The evidence framework applied to classification networks", 1992.
"""

import msgspec
import numpy as np

from core.learning.examples import MOST_POSITIONS, Batch, Examples
from core.vectors import Floats

PRIOR_SD = 0.3
"""Of a weight around the static one: those lie within [-1, 1], most below .3."""
_INTERCEPT_PRECISION = 0.01
_SCALE_PRECISION = 0.001
_SCALE = 4.0
"""A guess to start from, which a few thousand rows overrule."""
_LEAST_SCALE = 0.1
"""Where the static score foretells nothing, or the contrary, weights must still mean something."""
_MOST_STEPS = 30
_DONE = 1e-6


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """The most likely parameters, and how certain the weights are.

    Shape: `intercepts` (positions,), `weights` (features,), `covariance` theirs.
    """

    intercepts: Floats
    scale: float
    weights: Floats
    covariance: Floats

    def log_odds(self, batch: Batch) -> Floats:
        """Of an opening, row by row."""
        scores = batch.values @ self.weights
        odds: Floats = self.intercepts[batch.position] + self.scale * scores
        return odds


def fit(examples: Examples, prior: Floats, prior_sd: float = PRIOR_SD) -> Fitted:
    """The weights around `prior`; with a `prior_sd` of 0 they are the prior itself."""
    problem = _Problem(examples, prior, prior_sd)
    at = problem.start()
    here = problem.look(at)
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(here.curvature, here.gradient)
        share = 1.0
        while True:
            tried = problem.bounded(at - share * step)
            there = problem.look(tried)
            if there.loss <= here.loss or share * float(np.abs(step).max()) < _DONE:
                break
            share /= 2.0
        moved = float(np.abs(tried - at).max())
        at, here = tried, there
        if moved < _DONE:
            break
    return problem.fitted(at, here)


class _Look(msgspec.Struct, frozen=True):
    """The loss at a point, and how it changes around it."""

    loss: float
    gradient: Floats
    curvature: Floats


class _Problem:
    """Parameters in one vector: intercepts, scale, and by how much weights leave the prior."""

    def __init__(self, examples: Examples, prior: Floats, prior_sd: float) -> None:
        self._examples = examples
        self._prior = prior
        self._is_frozen = prior_sd == 0.0
        moving = 0 if self._is_frozen else len(prior)
        self._centre = np.concatenate(
            [np.full(MOST_POSITIONS, _overall(examples)), [_SCALE], np.zeros(moving)]
        )
        self._precision = np.concatenate(
            [
                np.full(MOST_POSITIONS, _INTERCEPT_PRECISION),
                [_SCALE_PRECISION],
                np.full(moving, 0.0 if self._is_frozen else prior_sd**-2),
            ]
        )

    def start(self) -> Floats:
        """The prior."""
        return self._centre.copy()

    def bounded(self, at: Floats) -> Floats:
        """The point, or the nearest that means something."""
        at[MOST_POSITIONS] = max(at[MOST_POSITIONS], _LEAST_SCALE)
        return at

    def look(self, at: Floats) -> _Look:
        """One pass over the rows."""
        here = self.fitted(at, None)
        away = at - self._centre
        loss = 0.5 * float(np.dot(self._precision * away, away))
        gradient = self._precision * away
        curvature = np.diag(self._precision)
        for batch in self._examples.batches():
            loss += self._add(batch, here, gradient, curvature)
        return _Look(loss, gradient, curvature)

    def fitted(self, at: Floats, found: _Look | None) -> Fitted:
        """What the point stands for; the covariance where its curvature is known."""
        count = len(self._prior)
        offset = np.zeros(count) if self._is_frozen else at[MOST_POSITIONS + 1 :]
        covariance = np.zeros((count, count))
        if found is not None and not self._is_frozen:
            block = np.linalg.inv(found.curvature)[MOST_POSITIONS + 1 :, MOST_POSITIONS + 1 :]
            covariance = (block + block.T) / 2.0
        return Fitted(
            intercepts=at[:MOST_POSITIONS],
            scale=float(at[MOST_POSITIONS]),
            weights=self._prior + offset,
            covariance=covariance,
        )

    def _add(self, batch: Batch, here: Fitted, gradient: Floats, curvature: Floats) -> float:
        """Add one batch; positions are counted, for as columns of their own they would be 50."""
        odds = here.log_odds(batch)
        chance = 0.5 + 0.5 * np.tanh(odds / 2.0)
        surplus, spread = chance - batch.opened, chance * (1.0 - chance)
        columns = [(batch.values @ here.weights)[:, None]]
        if not self._is_frozen:
            columns.append(batch.values * here.scale)
        dense = np.concatenate(columns, axis=1)
        gradient[:MOST_POSITIONS] += _by_position(batch, surplus)
        gradient[MOST_POSITIONS:] += dense.T @ surplus
        weighted = dense * spread[:, None]
        corner = np.arange(MOST_POSITIONS)
        curvature[corner, corner] += _by_position(batch, spread)
        for number, column in enumerate(weighted.T, start=MOST_POSITIONS):
            mixed = _by_position(batch, column)
            curvature[:MOST_POSITIONS, number] += mixed
            curvature[number, :MOST_POSITIONS] += mixed
        curvature[MOST_POSITIONS:, MOST_POSITIONS:] += dense.T @ weighted
        return float(np.sum(np.logaddexp(0.0, odds) - batch.opened * odds))


def _by_position(batch: Batch, amounts: Floats) -> Floats:
    sums = np.bincount(batch.position, weights=amounts, minlength=MOST_POSITIONS)
    return sums.astype(np.float64, copy=False)


def _overall(examples: Examples) -> float:
    """The log-odds of an opening, wherever it is."""
    opened = float(np.count_nonzero(examples.opened))
    return float(np.log((opened + 1.0) / (len(examples) - opened + 1.0)))
