"""The words of all texts, turned round: from each word to the rows that have it."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from core.index.gathering import TextLists
from core.index.row_arrays import RowOrder, renumbered
from core.index.words import LEVEL_BITS, TITLE_WEIGHT, WordLists, impact_levels
from core.ragged import Numbers, Rows, members, starts_of

_AT_ONCE = 1 << 15
"""Rows in one go: the words of all of a million would be gigabytes."""


def word_lists(texts: TextLists, rows: RowOrder) -> WordLists:
    """The shown rows of every word."""
    shown = rows.positions[: rows.shown]
    lengths = np.frombuffer(texts.lengths, dtype=np.int32)
    relative = lengths[shown] / max(1.0, lengths[shown].mean() if len(shown) else 1.0)
    nothing = np.zeros(0, dtype=np.int32)
    keys, entries = [nothing], [nothing.astype(np.uint32)]
    for owners, words, amounts in _counted(texts, shown):
        levels = impact_levels(amounts, relative[owners])
        keys.append(words)
        entries.append((owners.astype(np.uint32) << np.uint32(LEVEL_BITS)) | levels)
    names, numbers = renumbered(list(texts.numbers.forms), np.concatenate(keys))
    sorter = np.argsort(numbers, kind="stable")
    counts = np.bincount(numbers, minlength=len(names))
    return WordLists(names, starts_of(counts), np.concatenate(entries)[sorter])


def _counted(
    texts: TextLists, shown: Rows
) -> Iterator[tuple[Rows, Numbers, npt.NDArray[np.float64]]]:
    """Rows, their words, and how often each stands there; a title's words count more."""
    starts = starts_of(np.frombuffer(texts.lengths, dtype=np.int32))
    titles = starts[:-1] + np.frombuffer(texts.titles, dtype=np.int32)
    written = np.frombuffer(texts.words, dtype=np.int32)
    forms = len(texts.numbers.forms)
    for first in range(0, len(shown), _AT_ONCE):
        part = shown[first : first + _AT_ONCE]
        places, owners = members(starts, part)
        words = written[places].astype(np.int64)
        in_title = places < titles[part][owners]
        # One sort of whole numbers: by row, by word, and whether it is the title's.
        sorted_ = np.sort(((owners * forms + words) * 2 + in_title)[words > 0])
        pairs = sorted_ >> 1
        firsts = np.flatnonzero(np.diff(pairs, prepend=-1))
        amounts = np.where(sorted_ & 1, TITLE_WEIGHT, 1.0)
        sums = np.add.reduceat(amounts, firsts) if len(firsts) else amounts
        found = pairs[firsts]
        yield found // forms + first, (found % forms).astype(np.int32), sums
