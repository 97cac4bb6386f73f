"""With little known of others: statistics of a sample, and the test's questions unchanged."""

from collections.abc import Mapping
from itertools import product
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from tests.quality import ways
from tests.quality.dataset import Dataset, Ratings
from tests.quality.engine import Engine, EngineConfig
from tests.quality.metrics import Lists
from tests.quality.questions import questions
from tests.quality.replay import replay
from tests.quality.tuning import TEST

Of = Literal["events", "users"]
SHARES = (0.01, 0.1, 1.0)
SEEDS = (1, 2, 3)
EVERY = 8
"""A dozen replays; each is asked the same eighth of the questions."""


class Sample(msgspec.Struct, frozen=True):
    """Which part of all events, or of all users' events, is counted."""

    of: Of
    share: float
    seed: int

    def places(self, ratings: Ratings) -> npt.NDArray[np.intp]:
        """The places of the ratings in it."""
        draw = np.random.default_rng(self.seed)
        if self.of == "events":
            return np.flatnonzero(draw.random(len(ratings)) < self.share)
        chosen = draw.random(int(ratings.users.max()) + 1) < self.share
        return np.flatnonzero(chosen[ratings.users])


def samples() -> list[Sample]:
    """All of them. The whole is the same for every seed, and whatever it is a share of."""
    kinds: tuple[Of, ...] = ("events", "users")
    parts = [Sample(*each) for each in product(kinds, SHARES[:-1], SEEDS)]
    return [*parts, Sample("events", SHARES[-1], SEEDS[0])]


def ask_sample(dataset: Dataset, sample: Sample) -> Mapping[str, Lists]:
    """What the static weights and their parts answer."""
    asked = list(questions(dataset.ratings, *TEST))[::EVERY]
    every = {ways.STATIC: ways.static(), **ways.alone()}
    places = sample.places(dataset.ratings)
    with Engine(dataset, every, EngineConfig(), places) as engine:
        return replay(engine, asked)
