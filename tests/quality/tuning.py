"""The baselines at their best: tuned on the stretch before the test, then asked the test."""

from collections.abc import Mapping, Sequence
from itertools import product

import msgspec

from tests.quality.baselines import PLAIN, Decay, Ease, Popularity
from tests.quality.dataset import Dataset
from tests.quality.metrics import Lists
from tests.quality.questions import Question, questions
from tests.quality.replay import replay

FIT = (0.6, 0.8)
"""What weights and settings are chosen by."""
TEST = (0.8, 1.0)
_EVERY = 2
"""Every other question tells which setting is best; the days are what takes long."""
_REGULARIZATIONS = (250.0, 500.0, 1000.0)
_DECAYS = {
    f"{half_life:g} {floor:g}": Decay(half_life, floor)
    for half_life, floor in product((2.0, 3.0, 5.0, 10.0), (0.0, 0.05, 0.1))
}
_PLAIN = "plain"
_HALF_LIVES = {"7": 7.0, "30": 30.0, "90": 90.0}
ALL_TIME = "popularity, all time"
POPULARITY = "popularity"
EASE = "EASE"
RECENCY = "EASE, recency"
_NO_DECAY_DAYS = 1e6


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """The settings that were best. Units: days; `half_life` in likes."""

    popularity_half_life: float
    plain_regularization: float
    regularization: float
    half_life: float
    floor: float


def tune(dataset: Dataset) -> Tuned:
    """The best of a grid, by NDCG."""
    ratings, items = dataset.ratings, len(dataset.films)
    asked = list(questions(ratings, *FIT))[::_EVERY]
    popular = _ndcg(replay(Popularity(ratings, items, _HALF_LIVES), asked))
    found: dict[tuple[float, str], float] = {}
    for regularization in _REGULARIZATIONS:
        ease = Ease(ratings, items, regularization, {_PLAIN: PLAIN, **_DECAYS})
        for name, ndcg in _ndcg(replay(ease, asked)).items():
            found[regularization, name] = ndcg
    plain = max((one for one in found if one[1] == _PLAIN), key=found.__getitem__)
    best = max((one for one in found if one[1] != _PLAIN), key=found.__getitem__)
    return Tuned(
        popularity_half_life=_HALF_LIVES[max(popular, key=popular.__getitem__)],
        plain_regularization=plain[0],
        regularization=best[0],
        half_life=_DECAYS[best[1]].half_life,
        floor=_DECAYS[best[1]].floor,
    )


def ask_baselines(dataset: Dataset, tuned: Tuned, asked: Sequence[Question]) -> Mapping[str, Lists]:
    """What the tuned baselines answer."""
    ratings, items = dataset.ratings, len(dataset.films)
    half_lives = {POPULARITY: tuned.popularity_half_life, ALL_TIME: _NO_DECAY_DAYS}
    decay = Decay(tuned.half_life, tuned.floor)
    return {
        **replay(Popularity(ratings, items, half_lives), asked),
        **replay(Ease(ratings, items, tuned.plain_regularization, {EASE: PLAIN}), asked),
        **replay(Ease(ratings, items, tuned.regularization, {RECENCY: decay}), asked),
    }


def _ndcg(answered: Mapping[str, Lists]) -> dict[str, float]:
    return {name: float(lists.gains.mean()) for name, lists in answered.items()}
