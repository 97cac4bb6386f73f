"""Text search: for each word of titles and texts the items that have it, and how much.

A sum over the query's words in the manner of BM25: rare words count more, and the
tenth mention of a word adds little to the ninth. A word of the title counts like
three of the text. The last word of a query may be the beginning of one.

Source: S. Robertson, H. Zaragoza, "The Probabilistic Relevance Framework: BM25
    and Beyond", 2009; the impacts are quantised as in V. N. Anh, A. Moffat,
    "Simplified Similarity Scoring Using Term Ranks", SIGIR 2005.
"""

from bisect import bisect_left
from math import log

import msgspec
import numpy as np
import numpy.typing as npt

from core.index.best import best_rows
from core.index.scope import Scope
from core.index.sums import sums_by_row
from core.ragged import Numbers, Rows, Starts
from core.strings import StringTable
from core.tags import word_keys
from core.vectors import Floats

LEVEL_BITS = 4
LEVELS = 2**LEVEL_BITS - 1
TITLE_WEIGHT = 3.0
_SATURATION = 1.2
_LENGTH_SHARE = 0.75
_AFTER_EVERY_WORD = "\U0010ffff"


Impacts = tuple[Rows, Floats]
"""Rows, each once, and what they get. Shape: both (k,)."""


class WordLists(msgspec.Struct, frozen=True):
    """The rows of every word.

    Shape: those of word w are `entries[starts[w]:starts[w + 1]]`, each a row
        number times 16 plus an impact of 1 to 15; `words` is sorted.
    """

    words: StringTable
    starts: Starts
    entries: npt.NDArray[np.uint32]


class WordSearch:
    """Searches the words of one catalogue."""

    def __init__(self, lists: WordLists, order: Numbers) -> None:
        """Shape: `order` (shown,) of the first rows."""
        self._lists = lists
        self._order = order

    def best(self, query: str, limit: int, scope: Scope) -> Rows:
        """The rows that have most of the query's words, ties by id."""
        asked = word_keys(query)
        if not asked:
            return np.zeros(0, dtype=np.intp)
        words = self._lists.words
        places = (words.index(word) for word in dict.fromkeys(asked))
        found = [self._impacts(place, place + 1) for place in places if place is not None]
        # What begins like the last word counts as one word more.
        ends = (asked[-1], asked[-1] + _AFTER_EVERY_WORD)
        found.append(self._impacts(*(bisect_left(words, end) for end in ends)))
        entries, amounts = zip(*found, strict=True)
        rows, sums = sums_by_row(np.concatenate(entries), np.concatenate(amounts), len(self._order))
        inside = ~scope.blocked[rows]
        rows, sums = rows[inside], sums[inside]
        return best_rows(rows, sums, self._order[rows], limit)

    def _impacts(self, first: int, end: int) -> Impacts:
        """Each row with one of these words, and what it gets for that: the best of them counts."""
        entries = self._lists.entries[self._lists.starts[first] : self._lists.starts[end]]
        rows = (entries >> np.uint32(LEVEL_BITS)).astype(np.intp)
        amounts = (entries & np.uint32(LEVELS)).astype(np.float64)
        if end - first > 1:
            rows, amounts = self._greatest(rows, amounts)
        rarity = log(1.0 + (len(self._order) - len(rows) + 0.5) / (len(rows) + 0.5))
        amounts *= rarity / LEVELS
        return rows, amounts

    def _greatest(self, rows: Rows, amounts: Floats) -> Impacts:
        """Each row once, with its greatest amount."""
        sorter = np.argsort(amounts, kind="stable")
        rows, amounts = rows[sorter], amounts[sorter]
        last = np.empty(len(self._order), dtype=np.intp)
        last[rows] = np.arange(len(rows))
        once = last[rows] == np.arange(len(rows))
        return rows[once], amounts[once]


def impact_levels(
    amounts: npt.NDArray[np.float64], lengths: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint32]:
    """Impacts of 1 to 15 from how often words stand in items of these lengths.

    Shape: both (entries,), lengths as shares of the mean.
    """
    norm = _SATURATION * (1.0 - _LENGTH_SHARE + _LENGTH_SHARE * lengths)
    levels = np.ceil(LEVELS * (amounts / (amounts + norm)))
    clipped: npt.NDArray[np.uint32] = np.clip(levels, 1, LEVELS).astype(np.uint32)
    return clipped
