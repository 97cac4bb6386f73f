"""A model of openings for the doubly robust estimate, never asked of whom it was learned from."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from core.evaluating.explored import ExploredSlate
from core.evaluating.weighing import RewardModel
from core.learning.examples import MOST_POSITIONS
from core.learning.gathering import Gathering
from core.learning.linear import Fitted, fit
from core.vectors import Floats

_FOLDS = 2


def crossed_rewards(
    slates: Iterable[ExploredSlate], features: Sequence[str], static: Mapping[str, float]
) -> Callable[[str], RewardModel]:
    """For each person a model that was fitted to the others' half."""
    gathered = [Gathering(features) for _ in range(_FOLDS)]
    for slate in slates:
        gathered[_fold(slate.person)].add_shown(
            slate.at_ms, slate.values[slate.shown], slate.opened
        )
    prior = np.array([static[name] for name in features])
    fitted = [_fitted(one, prior) for one in reversed(gathered)]
    return lambda person: fitted[_fold(person)]


def _fitted(gathered: Gathering, prior: Floats) -> RewardModel:
    examples = gathered.examples()
    if not len(examples):
        return lambda values, _: np.zeros(len(values))
    return _model(fit(examples, prior))


def _model(found: Fitted) -> RewardModel:
    def expect(values: Floats, place: int) -> Floats:
        intercept = found.intercepts[min(place, MOST_POSITIONS - 1)]
        odds = intercept + found.scale * (values @ found.weights)
        chance: Floats = 0.5 + 0.5 * np.tanh(odds / 2.0)
        return chance

    return expect


def _fold(person: str) -> int:
    return hashlib.blake2b(person.encode(), digest_size=1).digest()[0] % _FOLDS
