"""What the engine is meant to reach, each beside what it does reach."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from tests.quality import arrivals, tuning, ways
from tests.quality.arrivals import Arrivals
from tests.quality.metrics import Figures, Lists, ratio
from tests.quality.scarcity import SHARES, Of, Sample

Answered = Mapping[str, Lists]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One promise. `low` and `high` are its interval over users, where it has one."""

    name: str
    least: float
    value: float
    low: float | None = None
    high: float | None = None
    stretch: bool = False

    @property
    def reached(self) -> bool:
        """By the value itself, wherever its interval lies."""
        return self.value >= self.least


_STATIC = ((tuning.RECENCY, 0.98), (tuning.EASE, 1.15))
_LEARNED = ((tuning.RECENCY, 1.03), (tuning.EASE, 1.2))
_HIT_RATE, _COVERAGE, _ILD = 0.22, 0.30, 0.50
_CONTENT = 1.2
_STRETCH = 1.10
_TRIED, _PRICE = 0.95, 0.98


def within_visit(answered: Answered, figures: Mapping[str, Figures]) -> Iterator[Target]:
    """Of the protocol with the whole history."""
    for way, against in ((ways.STATIC, _STATIC), (ways.LEARNED, _LEARNED)):
        for other, least in against:
            yield _compared(answered, way, other, least)
    for way in (ways.STATIC, ways.LEARNED):
        own = figures[way]
        yield Target(name=f"HR@10, {way}", least=_HIT_RATE, value=own.hit_rate)
        yield Target(name=f"coverage@10, {way}", least=_COVERAGE, value=own.coverage)
        yield Target(name=f"ILD of titles, {way}", least=_ILD, value=own.ild)
    yield _compared(answered, ways.CONTENT_POPULAR, tuning.POPULARITY, _CONTENT)
    best = _compared(answered, ways.LEARNED, tuning.RECENCY, _STRETCH)
    yield msgspec.structs.replace(best, name=f"{best.name}, stretch", stretch=True)


def next_visit(answered: Answered) -> Iterator[Target]:
    """Of the protocol with the history of earlier visits."""
    for way in (ways.STATIC, ways.LEARNED):
        for other in (tuning.ALL_TIME, tuning.EASE):
            one = _compared(answered, way, other, 1.0)
            yield msgspec.structs.replace(one, name=f"next visit: {one.name}")


def with_little(answered: Mapping[Sample, Answered]) -> Iterator[Target]:
    """Of every size of the sample: the mean over its seeds, beside the best part's."""
    sizes: dict[tuple[Of, float], list[Answered]] = {}
    for sample, own in answered.items():
        sizes.setdefault((sample.of, sample.share), []).append(own)
    for (of, share), found in sorted(sizes.items()):
        parts = {name: _mean(found, name) for name in (ways.CONTENT, ways.POPULAR, ways.COVISIT)}
        best = max(parts, key=parts.__getitem__)
        yield Target(
            name=f"{share:.0%} of the {'ratings' if share == SHARES[-1] else of}: static / {best}",
            least=1.0,
            value=_mean(found, ways.STATIC) / parts[best],
        )


def with_new_items(found: Arrivals) -> Iterator[Target]:
    """Of films that come while people ask."""
    yield Target(name="new items shown 20 times in time", least=_TRIED, value=found.tried)
    yield _compared(found.lists, arrivals.TRYING, arrivals.NOT_TRYING, _PRICE)


def _compared(answered: Answered, way: str, other: str, least: float) -> Target:
    found = ratio(answered[way], answered[other])
    return Target(
        name=f"{way} / {other}", least=least, value=found.value, low=found.low, high=found.high
    )


def _mean(found: Sequence[Answered], name: str) -> float:
    return float(np.mean([one[name].gains.mean() for one in found]))
