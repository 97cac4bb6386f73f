"""How often the items are viewed, by all visitors together, and what of it counts still.

A visitor counts once an item and day, however often they came back or an event was
sent: so many people viewed it. Whole UTC days, so that a count does not creep with
the hour. Nothing here holds an id of a visitor.
"""

from array import array
from collections.abc import Collection, Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from core.events import InteractionEvent
from core.modelling.decay import MS_PER_DAY
from core.ranking.fusion import MICRO, Micros

DAYS = 30
"""Days that are counted, today among them: what event buffers hold by default."""
_VIEWS = frozenset(("view_started", "view_ended"))

Views = npt.NDArray[np.int32]


class ViewCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The views of every item on every day.

    Shape: `ids` ascending, each with a view; `views` (ids, days), oldest day first.
    Units: `counted_at_ms` Unix milliseconds, `first_day` days since 1970 in UTC.
    """

    counted_at_ms: int
    first_day: int
    visitors: int
    """Who viewed any item."""
    events: int
    """Of which that is told: starts and ends of views."""
    ids: tuple[str, ...]
    views: Views

    def ranked(self, half_life_days: float, *, at_ms: int) -> "RankedViews":
        """The items by their decayed views at a moment, most first; later days do not count.

        Views of today count whole, those of a half-life ago half.
        """
        ages = at_ms // MS_PER_DAY - np.arange(self.first_day, self.first_day + self._days)
        weights = [_weight(age, half_life_days) for age in ages.tolist()]
        scores = self.views @ np.array(weights, dtype=np.int64)
        views = self.views[:, ages >= 0].sum(axis=1, dtype=np.int64)
        best = np.lexsort((-views, -scores))  # stable, so ties keep the order of the ids
        best = best[views[best] > 0]
        return RankedViews(
            ids=[self.ids[row] for row in best.tolist()],
            scores=scores[best],
            views=views[best],
        )

    @property
    def _days(self) -> int:
        return int(self.views.shape[1])


class RankedViews(msgspec.Struct, frozen=True, kw_only=True):
    """Items by their decayed views.

    Shape: all (n,). Units: `scores` millionths of a view of today.
    """

    ids: list[str]
    scores: Micros
    views: npt.NDArray[np.int64]


NOT_VIEWED = RankedViews(ids=[], scores=np.zeros(0, np.int64), views=np.zeros(0, np.int64))


class ViewCounter:
    """Adds up the views of one visitor after the other, in any order.

    Holds thirty numbers an item, whoever and how many the visitors are.
    """

    def __init__(self, *, now_ms: int, window_ms: int) -> None:
        """`window_ms` is how far back event buffers reach; only whole days are counted."""
        self._now_ms = now_ms
        self._last_day = now_ms // MS_PER_DAY
        self._first_day = self._last_day - max(1, min(DAYS, window_ms // MS_PER_DAY)) + 1
        self._views: dict[str, array[int]] = {}
        self._visitors = 0
        self._events = 0

    @property
    def since_ms(self) -> int:
        """Events before are of no use. Units: Unix milliseconds."""
        return self._first_day * MS_PER_DAY

    def add(self, events: Iterable[InteractionEvent], known: Collection[str]) -> None:
        """Count what one visitor viewed of the items in `known`."""
        viewed: set[tuple[str, int]] = set()
        for event in events:
            item, day = event.content_id, event.ts_ms // MS_PER_DAY
            if event.kind in _VIEWS and item in known and day >= self._first_day:
                # An event ahead of us (another machine's clock) is one of today.
                viewed.add((str(item), min(day, self._last_day) - self._first_day))
                self._events += 1
        for item, column in viewed:
            row = self._views.get(item)
            if row is None:
                row = self._views[item] = array("i", bytes(4 * self._days))
            row[column] += 1
        self._visitors += bool(viewed)

    def __contains__(self, content_id: object) -> bool:
        """Whether the item has a view so far: then it is known, too."""
        return content_id in self._views

    def counts(self) -> ViewCounts:
        """What has been added so far."""
        ids = tuple(sorted(self._views))
        rows = [np.frombuffer(self._views[one], dtype=np.int32) for one in ids]
        views = np.stack(rows) if rows else np.zeros((0, self._days), dtype=np.int32)
        return ViewCounts(
            counted_at_ms=self._now_ms,
            first_day=self._first_day,
            visitors=self._visitors,
            events=self._events,
            ids=ids,
            views=views,
        )

    @property
    def _days(self) -> int:
        return self._last_day - self._first_day + 1


def viewed_items(events: Iterable[InteractionEvent]) -> set[str]:
    """The items whose views `ViewCounter.add` would count, were they known."""
    return {one.content_id for one in events if one.content_id and one.kind in _VIEWS}


def _weight(age_days: int, half_life_days: float) -> int:
    """Whole millionths: sums of integers are the same in any order."""
    return round(MICRO * 0.5 ** (age_days / half_life_days)) if age_days >= 0 else 0
