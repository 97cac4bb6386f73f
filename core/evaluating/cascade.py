"""How likely a slate is from its top: each choice given those before it, for RIPS.

With Gumbel noise the choices are a softmax of what is left, one after the other.
MMR lowers the scores of what is like the choices before; that the noise is the
same at every step is left out of account, which the item-position estimators
need not do.
"""

import numpy as np

from core.config import RankingConfig
from core.evaluating.explored import ExploredSlate, Target
from core.ranking.fusion import MICRO, Micros
from core.vectors import Floats, cosines

_COLD = 1e-6
"""Of a policy without noise every choice but its own is as good as impossible."""


def logged_choices(slate: ExploredSlate) -> Floats:
    """The log-likelihood of each choice of the slate under the policy that made it. Shape: (k,)."""
    return _choices(slate, slate.scores, slate.temperature, slate.config)


def target_choices(slate: ExploredSlate, target: Target) -> Floats:
    """The same under another policy."""
    return _choices(slate, target.score(slate.values), target.temperature, target.config)


def _choices(
    slate: ExploredSlate, scores: Micros, temperature: float, config: RankingConfig
) -> Floats:
    left = scores / MICRO
    pool = np.sort(left)[::-1][: config.mmr_pool]
    span = float(pool[0] - pool[-1]) if config.mmr == "rescaled" else 1.0
    closest = np.zeros(len(left))
    said = np.zeros(len(slate.shown))
    for place, chosen in enumerate(slate.shown.tolist()):
        odds = (left - closest) / max(temperature, _COLD)
        said[place] = odds[chosen] - _log_sum(odds)
        left[chosen] = -np.inf
        if slate.vectors is not None and config.relevance < 1.0:
            alike = cosines(slate.vectors, slate.vectors[chosen][None, :])[:, 0]
            penalty = alike * (1.0 - config.relevance) * span / max(config.relevance, _COLD)
            closest = penalty if place == 0 else np.maximum(closest, penalty)
    return said


def _log_sum(odds: Floats) -> float:
    most = float(odds.max())
    return most + float(np.log(np.exp(odds - most).sum()))
