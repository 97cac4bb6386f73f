"""How often two items are liked by the same visitor, a stretch of items at a time."""

from collections.abc import Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from core.ragged import Numbers, Rows, Starts, members, starts_of

_PAIRS_AT_ONCE = 4_000_000
"""Some 100 MB while they are sorted."""


class Pairs(msgspec.Struct, frozen=True):
    """Items `sources` liked beside `rows` by `counts` visitors, no item beside itself.

    Shape: all (k,).
    """

    sources: Rows
    rows: Rows
    counts: npt.NDArray[np.int64]


class Cooccurrence:
    """Likes both ways: the items of each visitor, and the visitors of each item."""

    def __init__(self, starts: Starts, items: Numbers, count: int) -> None:
        """Shape: as in `LikeTable`; `count` items are numbered by their row."""
        self._starts = starts
        self._items = items
        self._count = count
        visitors = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        by_item = np.argsort(items, kind="stable")
        self._visitors = visitors[by_item]
        self._item_starts = starts_of(np.bincount(items, minlength=count))

    def pairs(self) -> Iterator[Pairs]:
        """Every pair once from each of its sides, some items' at a time, in their order."""
        sizes = np.diff(self._starts)[self._visitors]
        ends = np.concatenate([[0], np.cumsum(sizes)])[self._item_starts]
        begin = 0
        while begin < self._count:
            upto = int(np.searchsorted(ends, ends[begin] + _PAIRS_AT_ONCE, side="right")) - 1
            end = min(self._count, max(begin + 1, upto))
            yield self._pairs_of(np.arange(begin, end))
            begin = end

    def _pairs_of(self, rows: Rows) -> Pairs:
        places, owners = members(self._item_starts, rows)
        beside, at = members(self._starts, self._visitors[places])
        keys = owners[at] * self._count + self._items[beside]
        found, counts = np.unique(keys, return_counts=True)
        sources, others = rows[found // self._count], found % self._count
        apart = sources != others
        return Pairs(sources[apart], others[apart], counts[apart])
