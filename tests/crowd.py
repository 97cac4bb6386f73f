"""A crowd that likes things together, as statistics, for whatever is tested with one."""

from collections.abc import Mapping, Sequence
from random import Random

from core.collective.build import Counted, build_statistics
from core.collective.readings import ReadingGatherer, Readings
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig, ScorerWeights
from core.signals import UserSignals
from tests.build import DAY_MS, NOW_MS, themed_catalogue

STORE = themed_catalogue()
CATALOGUE = list(STORE.columns.ids)
WEIGHTS = ScorerWeights()
ITEMS = [f"i{number}" for number in range(12)]
KEEP_ALL = CollectiveConfig(neighbours=50, ease_lambda=3.0, near_shrink=2.0)


def model_of(likes: Sequence[str], *, ts_ms: int = NOW_MS) -> UserSignals:
    """Of a visitor who likes all that they have read."""
    viewed = {item: ts_ms - 60_000 * number for number, item in enumerate(likes)}
    return UserSignals(user_id="other", viewed=viewed, positives=dict.fromkeys(likes, 0.5))


def readings_of(visitors: Sequence[Sequence[str]], *, age_days: float = 0.0) -> Readings:
    gatherer = ReadingGatherer(most=100)
    for likes in visitors:
        gatherer.add(model_of(likes, ts_ms=NOW_MS - round(age_days * DAY_MS)))
    return gatherer.readings()


def built(
    visitors: Sequence[Sequence[str]],
    catalogue: Sequence[str] = CATALOGUE,
    config: CollectiveConfig = KEEP_ALL,
    *,
    impressions: Mapping[str, int] | None = None,
    previous: CollectiveStatistics | None = None,
) -> CollectiveStatistics:
    counted = Counted(readings=readings_of(visitors), impressions=impressions or {})
    return build_statistics(counted, catalogue, config, now_ms=NOW_MS, previous=previous)


def some_visitors(seed: int = 1, count: int = 40) -> list[list[str]]:
    random = Random(seed)  # noqa: S311 - reproducible, not secret
    return [random.sample(ITEMS, random.randint(1, 6)) for _ in range(count)]
