"""Who liked what, and when: all that is taken from visitors for what is said about everybody."""

from array import array
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.ragged import Numbers, Starts, starts_of
from core.signals import UserSignals


class LikeTable(msgspec.Struct, frozen=True, kw_only=True):
    """The likes of all visitors, one visitor after the other.

    Shape: those of visitor v are `items[starts[v]:starts[v + 1]]`, numbers of `ids`,
        each once; `ts_ms` (k,) when. Units: Unix milliseconds.
    """

    ids: tuple[str, ...]
    starts: Starts
    items: Numbers
    ts_ms: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of likes."""
        return len(self.items)

    @property
    def visitors(self) -> int:
        """How many of them like anything."""
        return len(self.starts) - 1

    def per_item(self) -> npt.NDArray[np.int64]:
        """How many visitors like each item. Shape: (len(ids),)."""
        return np.bincount(self.items, minlength=len(self.ids))

    def decayed(self, *, at_ms: int, half_life_days: float) -> npt.NDArray[np.float64]:
        """The likes of each item, those of a half-life ago counting half. Shape: (len(ids),)."""
        ages = np.maximum(0, at_ms - self.ts_ms) / (half_life_days * 86_400_000)
        decayed: npt.NDArray[np.float64] = np.bincount(
            self.items, weights=0.5**ages, minlength=len(self.ids)
        ).astype(np.float64, copy=False)
        return decayed


class LikeGatherer:
    """Gathers the likes of one visitor after the other, in any order.

    Holds sixteen bytes a like, and nothing by which a visitor could be known.
    """

    def __init__(self, *, most: int) -> None:
        """`most` bounds the likes of one visitor; the latest stay."""
        self._most = most
        self._numbers: dict[str, int] = {}
        self._items = array("i")
        self._times = array("q")
        self._lengths = array("q")

    def add(self, likes: Mapping[str, int]) -> None:
        """Those of one visitor: when each item was last engaged with, latest first."""
        kept = list(likes.items())[: self._most]
        if not kept:
            return
        numbers = self._numbers
        self._items.extend(numbers.setdefault(item, len(numbers)) for item, _ in kept)
        self._times.extend(ts_ms for _, ts_ms in kept)
        self._lengths.append(len(kept))

    def table(self) -> LikeTable:
        """What has been added so far."""
        return LikeTable(
            ids=tuple(self._numbers),
            starts=starts_of(np.array(self._lengths, dtype=np.int64)),
            items=np.array(self._items, dtype=np.int32),
            ts_ms=np.array(self._times, dtype=np.int64),
        )


def likes_of(signals: UserSignals) -> dict[str, int]:
    """What a visitor likes and when each was last engaged with, latest first."""
    positives = signals.positives
    return {item: ts_ms for item, ts_ms in signals.viewed.items() if item in positives}


def latest_likes(signals: UserSignals, most: int) -> Sequence[str]:
    """The ids of the latest likes, latest first."""
    return list(likes_of(signals))[:most]
