"""`CollectiveStatistics`: what is known of all visitors together, as arrays of a file.

Nothing in it tells of any single visitor: likes are counted, and pairs of likes.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.lists import NeighbourLists, Weights
from core.ragged import Numbers
from core.strings import StringLookup, StringTable


class CollectiveFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of statistics. `version` is a digest of all that is in them.

    Units: `counted_at_ms` Unix milliseconds.
    """

    version: str
    counted_at_ms: int
    visitors: int
    likes: int
    liked: int
    """How many of the items have likes: they are the first rows."""
    decayed_likes: float
    """All likes, older ones counting less: the evidence of popularity."""


class CollectiveArrays(msgspec.Struct, frozen=True, kw_only=True):
    """The arrays; a row is an item, the most liked first.

    Shape: n items, of which m have likes. `ease` and `near` lists of m rows; `support`
        (m,) co-occurrences of each; `popularity` (m,) the logarithm of decayed likes,
        as a share of the greatest; `impressions` (n,) how often each was shown;
        `arrived_ms` (n,) when it came into the catalogue, 0 from the beginning;
        `fresh` the rows of new items, the least shown first.
    """

    ids: StringTable
    lookup: StringLookup
    ease: NeighbourLists
    near: NeighbourLists
    support: npt.NDArray[np.int64]
    popularity: Weights
    most_liked: Numbers
    impressions: npt.NDArray[np.int64]
    arrived_ms: npt.NDArray[np.int64]
    fresh: Numbers


class CollectiveStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics: their arrays, and what is said of them."""

    arrays: CollectiveArrays
    figures: CollectiveFigures
