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

    def __init__(self, lists: WordLists, shown: int, order: Numbers) -> None:
        """Shape: `order` (n,), of which `shown` may be found."""
        self._lists = lists
        self._shown = shown
        self._order = order

    def best(self, query: str, limit: int, scope: Scope) -> Rows:
        """The rows that have most of the query's words, ties by id."""
        *whole, last = word_keys(query) or [""]
        sums = np.zeros(self._shown)
        for word in dict.fromkeys(whole):
            sums += self._impacts(self._lists.words.index(word), 1)
        if last:
            sums += self._impacts_of_beginning(last)
        rows = scope.keep(np.flatnonzero(sums))
        return best_rows(rows, sums[rows], self._order[rows], limit)

    def _impacts_of_beginning(self, text: str) -> Floats:
        """Of words that begin so; the whole word counts by its own rarity."""
        words = self._lists.words
        first, end = bisect_left(words, text), bisect_left(words, text + _AFTER_EVERY_WORD)
        begun = self._impacts(first, end - first)
        if first < end and words[first] == text:
            whole: Floats = np.maximum(begun, self._impacts(first, 1))
            return whole
        return begun

    def _impacts(self, first: int | None, count: int) -> Floats:
        """What each row gets for having one of `count` words; the best of them counts."""
        impacts = np.zeros(self._shown)
        if first is None:
            return impacts
        begin, end = self._lists.starts[first], self._lists.starts[first + count]
        entries = self._lists.entries[begin:end]
        levels = entries & np.uint32(LEVELS)
        if count > 1:  # of a row's several words the last that is written stays
            sorter = np.argsort(levels, kind="stable")
            entries, levels = entries[sorter], levels[sorter]
        impacts[entries >> np.uint32(LEVEL_BITS)] = levels
        having = int(np.count_nonzero(impacts))
        rarity = log(1.0 + (self._shown - having + 0.5) / (having + 0.5))
        impacts *= rarity / LEVELS
        return impacts


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
