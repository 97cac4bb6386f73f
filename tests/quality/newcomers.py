"""New items: whether each gets its try, and what that costs.

Some items are taken out of what was read before the test, and come into the
catalogue as it begins. Impressions are counted every hundred lists.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from core.config import RankingConfig, ScorerWeights
from tests.quality.dataset import Dataset
from tests.quality.engine import Engine, EngineConfig
from tests.quality.metrics import Lists, padded
from tests.quality.questions import questions
from tests.quality.tuning import TEST

NEW = 40
ENOUGH = 20
"""Impressions after which an item has had its try."""
_LISTS_EACH = 30
_COUNTED_EVERY = 100
_SEED = 1


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the new items. Shape: `impressions` one of each, the fewest first."""

    impressions: tuple[int, ...]
    lists: Lists

    @property
    def tried(self) -> float:
        """The share of the new items that were shown often enough."""
        return sum(one >= ENOUGH for one in self.impressions) / len(self.impressions)


def try_newcomers(dataset: Dataset) -> Mapping[str, Tries]:
    """With the defaults, and without the bonus of new items."""
    without = msgspec.structs.replace(ScorerWeights(), novelty=0.0)
    return {
        "with": _tried(dataset, RankingConfig()),
        "without": _tried(dataset, RankingConfig(weights=without)),
    }


def _tried(dataset: Dataset, way: RankingConfig) -> Tries:
    new = np.random.default_rng(_SEED).choice(len(dataset.films), size=NEW, replace=False)
    ids = [dataset.films[at].id for at in new.tolist()]
    first = round(TEST[0] * len(dataset.ratings))
    begun = np.arange(len(dataset.ratings)) >= first
    counted = np.flatnonzero(begun | ~np.isin(dataset.ratings.items, new))
    asked = list(questions(dataset.ratings, *TEST))[: NEW * _LISTS_EACH]
    shown = []
    with Engine(dataset, {"": way}, EngineConfig(), counted, frozenset(ids)) as engine:
        for number, question in enumerate(asked):
            if number % _COUNTED_EVERY == 0:
                engine.begin_day(question.place, question.now_ms)
            shown.append(engine.answer(question)[""])
        impressions = tuple(sorted(engine.impressions[one] for one in ids))
    return Tries(
        impressions=impressions,
        lists=Lists(
            users=np.array([one.user for one in asked]),
            targets=np.array([one.target for one in asked]),
            shown=padded(shown),
        ),
    )
