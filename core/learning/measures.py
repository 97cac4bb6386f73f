"""How well scores foretell what was opened, on answers that they were not fitted on.

An order of what was shown is judged by openings that the shown order had a part in:
taken as they are, whichever ranker made the log would look best. So an opening far
down counts as much more as people look there less.
"""

import numpy as np

from core.learning.examples import Examples
from core.learning.linear import Fitted
from core.learning.model import Fit
from core.vectors import Floats

_MOST_GAIN = 10.0
"""Of ranks that hardly anybody looks at few openings would decide."""


def fit_of(fitted: Fitted, later: Examples, scores: Floats, gains: Floats) -> Fit:
    """The measures of a fit, and of the order by `scores`. Shape: both (rows,)."""
    ndcg = mean_ndcg(later, scores, gains)
    return Fit(log_loss=round(log_loss(fitted, later), 6), ndcg=round(ndcg, 6))


def log_loss(fitted: Fitted, later: Examples) -> float:
    """Units: nats a row."""
    total = 0.0
    for batch in later.batches():
        odds = fitted.log_odds(batch)
        total += float(np.sum(np.logaddexp(0.0, odds) - batch.opened * odds))
    return total / max(len(later), 1)


def gains_of(fitted: Fitted, later: Examples) -> Floats:
    """What each opening counts, by how likely one is at its position and at the first.

    Shape: (rows,), 0 for what was not opened.
    """
    usual = fitted.scale * float(np.mean(later.values @ fitted.weights))
    chance = 0.5 + 0.5 * np.tanh((fitted.intercepts + usual) / 2.0)
    gain = np.clip(chance[0] / chance, 1.0, _MOST_GAIN)
    counted: Floats = gain[later.position] * later.opened
    return counted


def mean_ndcg(later: Examples, scores: Floats, gains: Floats) -> float:
    """Of the answers of which anything was opened; of ties what was shown first comes first.

    Source: K. Järvelin, J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002.
    """
    found, best = _discounted(later, scores, gains), _discounted(later, gains, gains)
    some = best > 0
    return float(np.mean(found[some] / best[some])) if some.any() else 0.0


def _discounted(later: Examples, scores: Floats, gains: Floats) -> Floats:
    """The discounted gain of each answer in the order of its greatest scores."""
    order = np.lexsort((-scores, later.answer))
    starts = later.starts
    turn = np.arange(len(later)) - np.repeat(starts[:-1], np.diff(starts))
    sums = np.bincount(
        later.answer, weights=gains[order] / np.log2(turn + 2.0), minlength=later.answers
    )
    return sums.astype(np.float64, copy=False)
