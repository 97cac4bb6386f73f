"""`CollectiveStatistics`: what is known of all visitors together, as arrays of a file.

Nothing in it tells of any single visitor: readings are counted, and pairs of them.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.lists import NeighbourLists, Weights
from core.ragged import Numbers
from core.strings import StringLookup, StringTable

Counts = npt.NDArray[np.int64]


class CollectiveFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of statistics. `version` is a digest of all that is in them.

    Units: `counted_at_ms` Unix milliseconds.
    """

    version: str
    counted_at_ms: int
    visitors: int
    views: int
    likes: int
    items: int
    """How many were read: they are the first rows."""
    decayed_likes: float
    """All likes, older ones counting less."""
    popularity_certainty: float
    """How much popularity is to be trusted by them, in [0, 1)."""


class PairLists(msgspec.Struct, frozen=True, kw_only=True):
    """What items say of each other by who likes (or reads) both.

    Shape: lists of m rows; `support` (m,) how many pairs each item is in.
    """

    ease: NeighbourLists
    near: NeighbourLists
    support: Counts


class CollectiveArrays(msgspec.Struct, frozen=True, kw_only=True):
    """The arrays; a row is an item, the most read first.

    Shape: n items, of which m were read. `popularity` (m,) the logarithm of decayed
        likes, as a share of the greatest; `quality` (m,) the share of readers who
        like each, in [0, 1]; `most_liked` the rows by popularity; `impressions`
        (n,) how often each was shown; `arrived_ms` (n,) when it came into the
        catalogue, 0 from the beginning; `fresh` the rows of new items, the least
        shown first.
    """

    ids: StringTable
    lookup: StringLookup
    likes: PairLists
    views: PairLists
    next: NeighbourLists
    popularity: Weights
    quality: Weights
    most_liked: Numbers
    impressions: Counts
    arrived_ms: Counts
    fresh: Numbers


class CollectiveStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics: their arrays, and what is said of them."""

    arrays: CollectiveArrays
    figures: CollectiveFigures

    @property
    def version(self) -> str:
        """A digest of all that is in them."""
        return self.figures.version
