"""`Collective`: statistics ready to be asked what they say to one visitor."""

from collections.abc import Sequence
from functools import lru_cache
from math import log1p

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.readings import latest_likes, views_of_visit
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
    """By EASE, and by the nearest; `amounts` too."""
    rows: Rows
    amounts: tuple[Floats, Floats]
    certainty: float


class Covisits(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody says to one visitor: by likes, by views, and of what comes next.

    Shape: `next` (m,). Views, and what comes next, are of a visit that goes on.
    """

    likes: Lookup | None
    views: Lookup | None
    next: Floats

    @property
    def certainty(self) -> float:
        """How much of it is to be trusted, in [0, 1)."""
        return max(one.certainty for one in (self.likes, self.views) if one is not None)


class _Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue: the row in the statistics of each of its rows, and the other way round."""

    columns: ContentColumns
    rows: Rows
    places: Rows


class Collective:
    """Statistics, and where their items stand in a catalogue."""

    def __init__(self, statistics: CollectiveStatistics) -> None:
        """They are bound to a catalogue when its items are asked for."""
        self.statistics = statistics
        self.arrays = statistics.arrays
        self._read = statistics.figures.items
        self._rows = RememberedRows(self.arrays.ids, self.arrays.lookup)
        self._bound: _Bound | None = None

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
        rows = self.arrays.lookup.find(self.arrays.ids, list(columns.ids))
        places = np.full(len(self.arrays.ids), -1, dtype=np.intp)
        places[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
        self._bound = _Bound(columns=columns, rows=rows, places=places)

    def covisits(
        self, model: UserSignals, session: str | None, config: CovisitConfig, *, now_ms: int
    ) -> Covisits | None:
        """What is said to a visitor; `session` is read just now. None where nobody says anything.

        What is read just now is taken for a like.
        """
        arrays = self.arrays
        likes, views = latest_likes(model), views_of_visit(model, config, now_ms)
        if session is not None:
            likes = [session, *(one for one in likes if one != session)]
            views = [session, *(one for one in views if one != session)]
        liked = _recency(len(likes), config.half_life_readings, config.floor)
        viewed = _recency(len(views), config.visit_half_life_readings, 0.0)
        last = _recency(len(views), config.near_half_life_readings, 0.0)
        by_likes = self._looked_up(arrays.likes, likes, (liked, liked), config)
        by_views = self._looked_up(arrays.views, views, (viewed, last), config)
        if by_likes is None and by_views is None:
            return None
        following = np.zeros(self._read)
        if by_views is not None:
            following = arrays.next.summed(by_views.rows, by_views.amounts[0], self._read)
        return Covisits(likes=by_likes, views=by_views, next=following)

    def said(self, covisits: Covisits, ease_share: float) -> Floats:
        """How much is said for each item that was read, all in all. Shape: (m,)."""
        said = _scaled(covisits.next)
        for lookup in (covisits.likes, covisits.views):
            if lookup is not None:
                ease, near = map(_scaled, lookup.said)
                said = said + ease_share * ease + (1.0 - ease_share) * near
        return said

    def fresh(self, seed: int) -> list[int]:
        """The rows of new items in a drawn order: those shown less tend to come first."""
        rows = self.arrays.fresh.astype(np.intp)
        shown = self.arrays.impressions[rows].tolist()
        every = zip(self.arrays.ids.take(rows), rows.tolist(), shown, strict=True)
        # Whoever is shown half as often comes first twice as often: a race of exponentials.
        races = sorted(
            (-log1p(-draw(seed, "new", one)) * (1 + count), row) for one, row, count in every
        )
        return [row for _, row in races]

    def places_in(self, columns: ContentColumns) -> Rows:
        """The row in a catalogue of each item of the statistics, -1 for who is gone.

        Shape: (n,).
        """
        if self._bound is None or self._bound.columns is not columns:
            self.bind(columns)
        if self._bound is None:
            raise RuntimeError("it was bound just now")
        return self._bound.places

    def rows_of(self, items: ContentRows) -> Rows:
        """The row of each item in the statistics, -1 where there is none. Shape: (n,)."""
        columns = items.columns
        if self._bound is not None and self._bound.columns is columns:
            return self._bound.rows[items.rows]
        if len(columns) > _WORTH_BINDING * len(items):
            self.bind(columns)
            return self.rows_of(items)
        return self._rows.find(items.ids)

    def read_rows(self, items: ContentRows) -> Rows:
        """The same, -1 for who was never read, too: those have nothing to be said of."""
        rows = self.rows_of(items)
        return np.where(rows < self._read, rows, -1)

    def _looked_up(
        self,
        pairs: PairLists,
        ids: Sequence[str],
        amounts: tuple[Floats, Floats],
        config: CovisitConfig,
    ) -> Lookup | None:
        """The latest of them; `amounts` are those for EASE and those for the nearest."""
        found = self._rows.find(ids[: config.readings])
        known = (found >= 0) & (found < self._read)
        rows = found[known]
        by_ease, by_near = (one[: len(found)][known] for one in amounts)
        # One after the other: a sum of another order may end in other digits.
        behind = sum((by_ease * pairs.support[rows]).tolist())
        if behind <= 0:
            return None
        return Lookup(
            said=(
                pairs.ease.summed(rows, by_ease, self._read),
                pairs.near.summed(rows, by_near, self._read),
            ),
            rows=rows,
            amounts=(by_ease, by_near),
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
