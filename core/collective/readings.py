"""Who read and liked what, and when: all that is taken from visitors to speak of everybody."""

from array import array
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.config import CovisitConfig
from core.ragged import Numbers, Starts, starts_of
from core.signals import UserSignals


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """What all visitors read, one visitor after the other, each item once.

    Shape: what visitor v read are `items[starts[v]:starts[v + 1]]`, numbers of
        `ids`, latest first; `ts_ms` (k,) when it was last, `liked` (k,) whether.
    Units: Unix milliseconds.
    """

    ids: tuple[str, ...]
    starts: Starts
    items: Numbers
    ts_ms: npt.NDArray[np.int64]
    liked: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of readings."""
        return len(self.items)

    @property
    def visitors(self) -> int:
        """How many have read anything."""
        return len(self.starts) - 1

    @property
    def owners(self) -> npt.NDArray[np.intp]:
        """The visitor of each reading. Shape: (k,)."""
        return np.repeat(np.arange(self.visitors), np.diff(self.starts))

    def per_item(self) -> npt.NDArray[np.int64]:
        """How many visitors read each item. Shape: (len(ids),)."""
        return np.bincount(self.items, minlength=len(self.ids))

    def where(self, kept: npt.NDArray[np.bool_]) -> "Readings":
        """Some of them. Shape: `kept` (k,)."""
        lengths = np.bincount(self.owners[kept], minlength=self.visitors)
        return Readings(
            ids=self.ids,
            starts=starts_of(lengths[lengths > 0]),
            items=self.items[kept],
            ts_ms=self.ts_ms[kept],
            liked=self.liked[kept],
        )

    def numbered(self, ids: Sequence[str]) -> "Readings":
        """Of those items only, which are numbered in that order."""
        row_of = {one: row for row, one in enumerate(ids)}
        rows = np.array([row_of.get(one, -1) for one in self.ids] or [-1], dtype=np.int32)
        renumbered = msgspec.structs.replace(self, ids=tuple(ids), items=rows[self.items])
        return renumbered.where(renumbered.items >= 0)

    def decayed(self, *, at_ms: int, half_life_days: float) -> npt.NDArray[np.float64]:
        """How often each item was read, half a life ago counting half. Shape: (len(ids),)."""
        ages = np.maximum(0, at_ms - self.ts_ms) / (half_life_days * 86_400_000)
        sums = np.bincount(self.items, weights=0.5**ages, minlength=len(self.ids))
        return sums.astype(np.float64, copy=False)


class ReadingGatherer:
    """Gathers what one visitor after the other has read, in any order.

    Holds thirteen bytes a reading, and nothing by which a visitor could be known.
    """

    def __init__(self, *, most: int) -> None:
        """`most` bounds what counts of one visitor: the latest."""
        self._most = most
        self._numbers: dict[str, int] = {}
        self._items = array("i")
        self._times = array("q")
        self._liked = array("b")
        self._lengths = array("q")

    def add(self, signals: UserSignals) -> None:
        """What one visitor's model says."""
        kept = list(signals.viewed.items())[: self._most]
        if not kept:
            return
        numbers, positives = self._numbers, signals.positives
        self._items.extend(numbers.setdefault(item, len(numbers)) for item, _ in kept)
        self._times.extend(ts_ms for _, ts_ms in kept)
        self._liked.extend(item in positives for item, _ in kept)
        self._lengths.append(len(kept))

    def readings(self) -> Readings:
        """What has been added so far."""
        return Readings(
            ids=tuple(self._numbers),
            starts=starts_of(np.array(self._lengths, dtype=np.int64)),
            items=np.array(self._items, dtype=np.int32),
            ts_ms=np.array(self._times, dtype=np.int64),
            liked=np.array(self._liked, dtype=np.bool_),
        )


def views_of_visit(signals: UserSignals, config: CovisitConfig, now_ms: int) -> list[str]:
    """The ids of what was read, latest first; none once the visit is over.

    Who comes back goes on where nobody else does: what others read after the same
    tells of one sitting.
    """
    latest_ms = max(signals.viewed.values(), default=None)
    if latest_ms is None or now_ms - latest_ms > config.visit_s * 1000:
        return []
    return list(signals.viewed)


def latest_likes(signals: UserSignals) -> list[str]:
    """The ids of what is liked, latest first."""
    positives = signals.positives
    return [item for item in signals.viewed if item in positives]
