"""New items: films that come into the catalogue as the test begins, and how soon they are shown.

Of what was rated of them before nothing is known to the statistics. Statistics are
made anew every so many lists, as they are every few minutes where many ask.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from core.config import CandidateConfig, RankingConfig
from tests.quality.dataset import Dataset
from tests.quality.engine import Engine, EngineConfig
from tests.quality.metrics import Lists, padded
from tests.quality.questions import Question

ENOUGH = 20
"""Impressions, after which an item has had its try."""
LISTS_A_FILM = 30
_FILMS = 40
_COUNT_EVERY = 100
_SEED = 1
TRYING, NOT_TRYING = "trying new items", "trying none"


class Arrivals(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `tried` is the share of films that were shown often enough in time."""

    tried: float
    lists: Mapping[str, Lists]


def arrive(dataset: Dataset, asked: Sequence[Question], config: EngineConfig) -> Arrivals:
    """Ask all questions, some films being new at the first."""
    draw = np.random.default_rng(_SEED)
    new = draw.choice(len(dataset.films), _FILMS, replace=False)
    begun = asked[0].place
    ratings = dataset.ratings
    is_known = ~(np.isin(ratings.items, new) & (np.arange(len(ratings)) < begun))
    static = RankingConfig()
    none = msgspec.structs.replace(static, candidates=CandidateConfig(fresh=0))
    shown: Counter[str] = Counter()
    answers: dict[str, list[Sequence[int]]] = {TRYING: [], NOT_TRYING: []}
    with Engine(
        dataset, {TRYING: static, NOT_TRYING: none}, config, np.flatnonzero(is_known)
    ) as engine:
        new_ids = [dataset.films[at].id for at in new]
        engine.begin_without(new_ids, begun, asked[0].now_ms)
        in_time = 0.0
        for number, question in enumerate(asked):
            if number % _COUNT_EVERY == 0:
                engine.begin_day(question.day_begins_at, question.now_ms, shown)
            for name, found in engine.answer(question).items():
                answers[name].append(found)
            shown.update(dataset.films[at].id for at in answers[TRYING][-1])
            if number + 1 == LISTS_A_FILM * _FILMS:
                in_time = float(np.mean([shown[one] >= ENOUGH for one in new_ids]))
    users = np.array([one.user for one in asked])
    targets = np.array([one.target for one in asked])
    lists = {
        name: Lists(users=users, targets=targets, shown=padded(found))
        for name, found in answers.items()
    }
    return Arrivals(tried=in_time, lists=lists)
