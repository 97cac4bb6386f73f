"""`Collective`: statistics ready to be asked what they say to one visitor's likes."""

from collections.abc import Sequence
from functools import lru_cache
from math import log1p

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.statistics import CollectiveStatistics
from core.columns import ContentColumns, ContentRows
from core.config import CovisitConfig
from core.ragged import Rows
from core.ranking.draw import draw
from core.strings import RememberedRows
from core.vectors import Floats

_BILLION = 1e9
_WORTH_BINDING = 4
"""A catalogue of more than four times the items asked for is bound: once, for all answers."""


class Covisits(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody's likes say to one visitor's.

    Shape: `ease` and `near` (m,) for every liked item of the statistics; `likes` (k,)
        the rows of the visitor's, latest first, with their `amounts`.
        `certainty` in [0, 1) grows with the co-occurrences behind them.
    """

    ease: Floats
    near: Floats
    likes: Rows
    amounts: Floats
    certainty: float


class Collective:
    """Statistics, and where their items stand in a catalogue."""

    def __init__(self, statistics: CollectiveStatistics, popularity_evidence: float) -> None:
        """`popularity_evidence`: as in the settings."""
        self.statistics = statistics
        arrays, figures = statistics.arrays, statistics.figures
        self._arrays = arrays
        self._liked = figures.liked
        self._rows = RememberedRows(arrays.ids, arrays.lookup)
        self._bound: tuple[ContentColumns, Rows] | None = None
        total = figures.decayed_likes
        self.popularity_certainty = total / (total + popularity_evidence)

    @property
    def version(self) -> str:
        """That of the statistics."""
        return self.statistics.figures.version

    @property
    def has_likes(self) -> bool:
        """Whether anybody likes anything."""
        return self._liked > 0

    def bind(self, columns: ContentColumns) -> None:
        """Find the items of a catalogue once and for all: milliseconds, of large ones more."""
        arrays = self._arrays
        self._bound = columns, arrays.lookup.find(arrays.ids, list(columns.ids))

    def covisits(self, likes: Sequence[str], config: CovisitConfig) -> Covisits | None:
        """What is said to the likes, latest first; None where nobody says anything."""
        rows = self._rows.find(likes[: config.likes])
        amounts = recency(len(rows), config.half_life_likes, config.floor)
        known = (rows >= 0) & (rows < self._liked)
        rows, amounts = rows[known], amounts[known]
        # One after the other: a sum of another order may end in other digits.
        behind = sum((amounts * self._arrays.support[rows]).tolist())
        if behind <= 0:
            return None
        return Covisits(
            ease=self._arrays.ease.summed(rows, amounts, self._liked),
            near=self._arrays.near.summed(rows, amounts, self._liked),
            likes=rows,
            amounts=amounts,
            certainty=behind / (behind + config.evidence),
        )

    def best(self, covisits: Covisits, ease_share: float, limit: int) -> list[str]:
        """The ids of the items that most is said for, the strongest first."""
        said = _scaled(covisits.ease) * ease_share + _scaled(covisits.near) * (1.0 - ease_share)
        count = min(limit, int(np.count_nonzero(said > 0)))
        if not count:
            return []
        top = np.argpartition(-said, count - 1)[:count]
        return self._arrays.ids.take(top[np.lexsort((top, -said[top]))])

    def most_liked(self, limit: int) -> list[str]:
        """The ids of the most popular items, the most popular first."""
        return self._arrays.ids.take(self._arrays.most_liked[:limit].astype(np.intp))

    def fresh(self, seed: int) -> list[str]:
        """The ids of new items in a drawn order: those shown less tend to come first."""
        rows = self._arrays.fresh.astype(np.intp)
        shown = self._arrays.impressions[rows].tolist()
        # Whoever is shown half as often comes first twice as often: a race of exponentials.
        races = sorted(
            (-log1p(-draw(seed, "new", one)) * (1 + count), one)
            for one, count in zip(self._arrays.ids.take(rows), shown, strict=True)
        )
        return [one for _, one in races]

    def liked_rows(self, items: ContentRows) -> Rows:
        """The row of each item in the statistics, -1 for who has no likes. Shape: (n,)."""
        rows = self.rows_of(items)
        return np.where(rows < self._liked, rows, -1)

    def rows_of(self, items: ContentRows) -> Rows:
        """The row of each item in the statistics, -1 where there is none. Shape: (n,)."""
        columns = items.columns
        if self._bound is not None and self._bound[0] is columns:
            return self._bound[1][items.rows]
        if len(columns) > _WORTH_BINDING * len(items):
            self.bind(columns)
            return self.rows_of(items)
        return self._rows.find(items.ids)

    def popularity(self, items: ContentRows) -> Floats:
        """Each item's popularity in [0, 1]. Shape: (n,)."""
        return spread(self._arrays.popularity, self.liked_rows(items))

    def impressions(self, items: ContentRows) -> npt.NDArray[np.int64]:
        """How often each was shown. Shape: (n,)."""
        rows = self.rows_of(items)
        return np.where(rows >= 0, self._arrays.impressions[rows], 0)


def spread(values: npt.NDArray[np.floating], rows: Rows) -> Floats:
    """The values of rows, 0 for -1. Shape: (m,), (n,) to (n,)."""
    if not len(values):
        return np.zeros(len(rows))
    return np.where(rows >= 0, values[rows], 0.0).astype(np.float64)


@lru_cache(maxsize=16)
def _recency(count: int, half_life: float, floor: float) -> Floats:
    decays = 0.5 ** (np.arange(count) / half_life)
    # Whole billionths: the last digits of a power differ from machine to machine.
    return np.rint((floor + (1.0 - floor) * decays) * _BILLION) / _BILLION


def recency(count: int, half_life: float, floor: float) -> Floats:
    """What each of so many likes counts, latest first. Shape: (count,)."""
    return _recency(count, half_life, floor)


def _scaled(values: Floats) -> Floats:
    """Divided by the greatest; nothing where nothing is above 0."""
    greatest = values.max(initial=0.0)
    return values / greatest if greatest > 0 else np.zeros_like(values)
