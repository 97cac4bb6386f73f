"""`Collective`: statistics ready to be asked what they say to one visitor."""

from collections.abc import Sequence
from functools import lru_cache
from math import log1p

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.readings import latest_likes, latest_views
from core.collective.statistics import CollectiveStatistics, PairLists
from core.columns import ContentColumns, ContentRows
from core.config import CovisitConfig
from core.ragged import Rows
from core.ranking.draw import draw
from core.signals import UserSignals
from core.strings import RememberedRows
from core.vectors import Floats

_BILLION = 1e9
_WORTH_BINDING = 4
"""A catalogue of more than four times the items asked for is bound: once, for all answers."""


class Lookup(msgspec.Struct, frozen=True, kw_only=True):
    """What pairs say to the visitor's likes, or views.

    Shape: `said` (m,) for every item that was read; `rows` (k,) the visitor's,
        latest first, with their `amounts`. `certainty` in [0, 1) grows with the
        co-occurrences behind them.
    """

    said: tuple[Floats, Floats]
    """By EASE, and by the nearest."""
    rows: Rows
    amounts: Floats
    certainty: float


class Covisits(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody says to one visitor: by likes, by views, and of what comes next.

    Shape: `next` (m,).
    """

    likes: Lookup | None
    views: Lookup | None
    next: Floats

    @property
    def certainty(self) -> float:
        """How much of it is to be trusted, in [0, 1)."""
        return max(one.certainty for one in (self.likes, self.views) if one is not None)


class Collective:
    """Statistics, and where their items stand in a catalogue."""

    def __init__(self, statistics: CollectiveStatistics) -> None:
        """They are bound to a catalogue when its items are asked for."""
        self.statistics = statistics
        self.arrays = statistics.arrays
        self._read = statistics.figures.items
        self._rows = RememberedRows(self.arrays.ids, self.arrays.lookup)
        self._bound: tuple[ContentColumns, Rows] | None = None

    @property
    def version(self) -> str:
        """That of the statistics."""
        return self.statistics.figures.version

    @property
    def popularity_certainty(self) -> float:
        """How much popularity is to be trusted, in [0, 1)."""
        return self.statistics.figures.popularity_certainty

    @property
    def is_empty(self) -> bool:
        """Whether nobody has read anything."""
        return not self._read

    def bind(self, columns: ContentColumns) -> None:
        """Find the items of a catalogue once and for all: milliseconds, of large ones more."""
        self._bound = columns, self.arrays.lookup.find(self.arrays.ids, list(columns.ids))

    def covisits(
        self, model: UserSignals, session: str | None, config: CovisitConfig
    ) -> Covisits | None:
        """What is said to a visitor; `session` is read just now. None where nobody says anything.

        What is read just now is taken for a like.
        """
        arrays = self.arrays
        likes, views = latest_likes(model), latest_views(model)
        if session is not None:
            likes = [session, *(one for one in likes if one != session)]
            views = [session, *(one for one in views if one != session)]
        rows, amounts = self._known(views, config)
        by_likes = self._looked_up(arrays.likes, *self._known(likes, config), config)
        by_views = self._looked_up(arrays.views, rows, amounts, config)
        if by_likes is None and by_views is None:
            return None
        return Covisits(
            likes=by_likes, views=by_views, next=arrays.next.summed(rows, amounts, self._read)
        )

    def said(self, covisits: Covisits, ease_share: float) -> Floats:
        """How much is said for each item that was read, all in all. Shape: (m,)."""
        said = _scaled(covisits.next)
        for lookup in (covisits.likes, covisits.views):
            if lookup is not None:
                ease, near = map(_scaled, lookup.said)
                said = said + ease_share * ease + (1.0 - ease_share) * near
        return said

    def best(self, covisits: Covisits, ease_share: float, limit: int) -> list[str]:
        """The ids of the items that most is said for, the strongest first."""
        said = self.said(covisits, ease_share)
        count = min(limit, int(np.count_nonzero(said > 0)))
        if not count:
            return []
        top = np.argpartition(-said, count - 1)[:count]
        return self.arrays.ids.take(top[np.lexsort((top, -said[top]))])

    def most_liked(self, limit: int) -> list[str]:
        """The ids of the most popular items, the most popular first."""
        return self.arrays.ids.take(self.arrays.most_liked[:limit].astype(np.intp))

    def fresh(self, seed: int) -> list[str]:
        """The ids of new items in a drawn order: those shown less tend to come first."""
        rows = self.arrays.fresh.astype(np.intp)
        shown = self.arrays.impressions[rows].tolist()
        # Whoever is shown half as often comes first twice as often: a race of exponentials.
        races = sorted(
            (-log1p(-draw(seed, "new", one)) * (1 + count), one)
            for one, count in zip(self.arrays.ids.take(rows), shown, strict=True)
        )
        return [one for _, one in races]

    def rows_of(self, items: ContentRows) -> Rows:
        """The row of each item in the statistics, -1 where there is none. Shape: (n,)."""
        columns = items.columns
        if self._bound is not None and self._bound[0] is columns:
            return self._bound[1][items.rows]
        if len(columns) > _WORTH_BINDING * len(items):
            self.bind(columns)
            return self.rows_of(items)
        return self._rows.find(items.ids)

    def read_rows(self, items: ContentRows) -> Rows:
        """The same, -1 for who was never read, too: those have nothing to be said of."""
        rows = self.rows_of(items)
        return np.where(rows < self._read, rows, -1)

    def _known(self, ids: Sequence[str], config: CovisitConfig) -> tuple[Rows, Floats]:
        """The rows of the latest of them, and how much each counts."""
        rows = self._rows.find(ids[: config.readings])
        known = (rows >= 0) & (rows < self._read)
        amounts = _recency(len(rows), config.half_life_readings, config.floor)
        return rows[known], amounts[known]

    def _looked_up(
        self, pairs: PairLists, rows: Rows, amounts: Floats, config: CovisitConfig
    ) -> Lookup | None:
        # One after the other: a sum of another order may end in other digits.
        behind = sum((amounts * pairs.support[rows]).tolist())
        if behind <= 0:
            return None
        said = tuple(one.summed(rows, amounts, self._read) for one in (pairs.ease, pairs.near))
        return Lookup(
            said=(said[0], said[1]),
            rows=rows,
            amounts=amounts,
            certainty=behind / (behind + config.evidence),
        )


def spread(values: npt.NDArray[np.floating], rows: Rows) -> Floats:
    """The values of rows, 0 for -1. Shape: (m,), (n,) to (n,)."""
    if not len(values):
        return np.zeros(len(rows))
    return np.where(rows >= 0, values[rows], 0.0).astype(np.float64)


@lru_cache(maxsize=1024)
def _recency(count: int, half_life: float, floor: float) -> Floats:
    """What each of so many counts, latest first. Shape: (count,)."""
    decays = 0.5 ** (np.arange(count) / half_life)
    # Whole billionths: the last digits of a power differ from machine to machine.
    return np.rint((floor + (1.0 - floor) * decays) * _BILLION) / _BILLION


def _scaled(values: Floats) -> Floats:
    """Divided by the greatest; nothing where nothing is above 0."""
    greatest = values.max(initial=0.0)
    return values / greatest if greatest > 0 else np.zeros_like(values)
