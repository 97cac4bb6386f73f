"""A `ContentFilter` as row numbers, worked out once for the searches of one answer."""

import numpy as np
import numpy.typing as npt

from core.ragged import Numbers, Rows

Mask = npt.NDArray[np.bool_]
_MOST = 0.5
"""With less than this inside, searches that read what is inside read less."""


class Scope:
    """What a search may return.

    `blocked` says of every row whether it is outside. `rows` are those inside,
    ascending, where they are few or narrowed down to a tag or a place; None where
    most are inside, and then hidden rows are not blocked: no search list has them.
    `share` of what is shown is inside, and lies anywhere unless it is `narrowed`.
    """

    __slots__ = ("blocked", "narrowed", "rows", "share")

    def __init__(
        self, blocked: Mask, rows: Rows | None, share: float = 1.0, *, narrowed: bool = False
    ) -> None:
        """Shape: `blocked` (n,), `rows` (k,) or None."""
        self.blocked = blocked
        self.rows = rows
        self.share = share
        self.narrowed = narrowed

    @classmethod
    def everything(cls, count: int) -> "Scope":
        """All of so many rows."""
        return cls(np.zeros(count, dtype=np.bool_), None)

    @classmethod
    def of(cls, blocked: Mask, shown: int, *, narrowed: bool = False) -> "Scope":
        """Everything that is not blocked; of all rows the first so many are shown."""
        share = 1.0 - np.count_nonzero(blocked[:shown]) / max(1, shown)
        if share >= _MOST and not narrowed:
            return cls(blocked, None, share)
        blocked[shown:] = True
        return cls(blocked, np.flatnonzero(~blocked), share, narrowed=narrowed)

    def keep(self, rows: Rows | Numbers) -> Rows:
        """Those of `rows` that are inside, in their order."""
        return rows[~self.blocked[rows]].astype(np.intp, copy=False)

    def first(self, ranked: Numbers, limit: int) -> Rows:
        """The first of a ranking of rows that are inside. Shape: (n,) to at most (limit,)."""
        found: list[Rows] = []
        begin, size, missing = 0, 2 * limit, limit
        while missing > 0 and begin < len(ranked):
            kept = self.keep(ranked[begin : begin + size])[:missing]
            found.append(kept)
            missing -= len(kept)
            begin, size = begin + size, size * 2
        return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)
