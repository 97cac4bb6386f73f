"""How likely each candidate is to come to each place: noise, then MMR, drawn over and over.

The noise is known and MMR is not stochastic, so that any number of draws can be
made long after. All draws of a slate are made at once. Places are those that scores
fill; where a curators' rule keeps an item out of a list (`apart`, caps), the shares
are those without it.
"""

import numpy as np
import numpy.typing as npt

from core.config import RankingConfig
from core.evaluating.explored import ExploredSlate, Indices, Target
from core.ranking.fusion import MICRO, Micros
from core.vectors import Floats, GridMatrix, cosines

DRAWS = 256


def logged_propensities(
    slate: ExploredSlate, random: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Of the policy that made the log. The slate itself is one of the draws: it did come.

    Shape: (k, n), place by candidate; each row adds up to 1.
    """
    made = draw_places(
        slate.scores,
        slate.temperature,
        slate.vectors,
        slate.config,
        len(slate.shown),
        random,
        draws,
    )
    return _shares(np.concatenate([made, slate.shown[None, :]]), len(slate.scores))


def target_propensities(
    slate: ExploredSlate, target: Target, random: np.random.Generator, draws: int = DRAWS
) -> Floats:
    """Of another policy, had it the same candidates. Shape: (k, n)."""
    needed = draws if target.temperature else 1
    made = draw_places(
        target.score(slate.values),
        target.temperature,
        slate.vectors,
        target.config,
        len(slate.shown),
        random,
        needed,
    )
    return _shares(made, len(slate.scores))


def draw_places(
    scores: Micros,
    temperature: float,
    vectors: GridMatrix | None,
    config: RankingConfig,
    places: int,
    random: np.random.Generator,
    draws: int,
) -> Indices:
    """The candidates at the first places, as a ranking would have drawn them. Shape: (draws, k)."""
    noise = np.zeros((1, len(scores)))
    if temperature:
        noise = random.gumbel(size=(draws, len(scores)))
    noisy: Floats = scores.astype(np.float64) + np.rint(noise * (temperature * MICRO))
    order = np.argsort(-noisy, axis=1, kind="stable")
    if vectors is None or config.relevance == 1.0:
        return order[:, :places]
    pool = order[:, : config.mmr_pool]
    picked = _mmr(np.take_along_axis(noisy, pool, axis=1), pool, vectors, config, places)
    return np.concatenate([picked, order[:, pool.shape[1] : places]], axis=1)


def _mmr(
    scores: Floats, pool: Indices, vectors: GridMatrix, config: RankingConfig, places: int
) -> Indices:
    """The picks of `core.ranking.mmr`, for all draws at once.

    Shape: (draws, pool) to (draws, k).
    """
    used, within = np.unique(pool, return_inverse=True)
    within = within.reshape(pool.shape)
    penalties = (1.0 - config.relevance) * cosines(vectors[used], vectors[used])
    left = config.relevance * _relevance(scores, config)
    rows = np.arange(len(pool))
    closest: Floats = np.zeros_like(left)
    picks: list[npt.NDArray[np.intp]] = []
    for number in range(min(places, pool.shape[1])):
        best = (left - closest).argmax(axis=1)
        picks.append(pool[rows, best])
        left[rows, best] = -np.inf
        like = penalties[within[rows, best][:, None], within]
        closest = like if number == 0 else np.maximum(closest, like)
    return np.stack(picks, axis=1)


def _relevance(scores: Floats, config: RankingConfig) -> Floats:
    if config.mmr == "classic":
        return scores / MICRO
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    spread: Floats = (scores - low) / np.where(high > low, high - low, 1.0)
    return spread


def _shares(made: Indices, count: int) -> Floats:
    """How often each candidate came to each place."""
    places = made.shape[1]
    cells = made + count * np.arange(places)
    counts = np.bincount(cells.ravel(), minlength=places * count)
    return counts.reshape(places, count) / len(made)
