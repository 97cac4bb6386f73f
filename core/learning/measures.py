"""How well scores foretell what was opened, on answers that they were not fitted on."""

import numpy as np

from core.learning.examples import Examples
from core.learning.linear import Fitted
from core.learning.model import Fit
from core.vectors import Floats


def fit_of(fitted: Fitted, later: Examples, scores: Floats) -> Fit:
    """The measures of a fit, and of the order by `scores`. Shape: (rows,)."""
    return Fit(log_loss=round(log_loss(fitted, later), 6), ndcg=round(mean_ndcg(later, scores), 6))


def log_loss(fitted: Fitted, later: Examples) -> float:
    """Units: nats a row."""
    total = 0.0
    for batch in later.batches():
        odds = fitted.log_odds(batch)
        total += float(np.sum(np.logaddexp(0.0, odds) - batch.opened * odds))
    return total / max(len(later), 1)


def mean_ndcg(later: Examples, scores: Floats) -> float:
    """Of the answers of which anything was opened; of ties what was shown first comes first.

    Source: K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    gains = _discounted(later, -scores)
    best = _discounted(later, -later.opened.astype(np.float64))
    some = best > 0
    return float(np.mean(gains[some] / best[some])) if some.any() else 0.0


def _discounted(later: Examples, keys: Floats) -> Floats:
    """The discounted gain of each answer in the order of its smallest keys."""
    order = np.lexsort((keys, later.answer))
    starts = later.starts[:-1]
    turn = np.arange(len(later)) - np.repeat(starts, np.diff(later.starts))
    gains = later.opened[order] / np.log2(turn + 2.0)
    sums = np.bincount(later.answer, weights=gains, minlength=later.answers)
    return sums.astype(np.float64, copy=False)
