"""Tag search: for each tag the items that have it, the most typical ones first.

A profile of 20 tags may touch more entries than the catalogue has items. Where
the lists of its tags are short together they are summed whole, and the answer is
exact. Of longer ones only the heads are read, the champions; each item in them
is scored exactly, and the rest is not looked at. So that the heads hold what
matters to a profile of several tags, a list is ordered by how much an item
shares with all the others of the list, not by its weight of the one tag: the
tags of a visitor come from items, and go together as items' tags do. Measured on
such tags (`make bench`) the sums found are within 3 to 10 % of the greatest.
Of a filter that leaves out some the more of them are read. With a filter on tags
or a place, which lists may have a lot or little of, whole lists are read, or the
rows inside.
"""

from collections.abc import Mapping
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from core.index.best import best_rows
from core.index.scope import Scope
from core.index.sums import sums_by_row
from core.ragged import Numbers, Rows, Starts, members, starts_of
from core.tag_entries import Entries, unpacked
from core.vectors import Floats

Values = TypeVar("Values", Numbers, npt.NDArray[np.float32])

_MOST_READ = 8_000
"""Entries of lists that are summed without a thought."""
_CHAMPIONS = 1_200
"""Entries that are read of longer ones: some 800 rows, which take 0.1 ms to score."""
_LEAST_SHARE = 0.05
"""Where less is inside, no more champions are read: their rows are few."""
_SHORT_LIST = 256
"""Lists up to this length stay in the order of the rows."""


class TagTable(msgspec.Struct, frozen=True):
    """The tags of every row, each row's by ascending tag.

    Shape: those of row r are `entries[starts[r]:starts[r + 1]]`, as `core.tag_entries`
        packs them.
    """

    starts: Starts
    entries: Entries


class TagLists(msgspec.Struct, frozen=True):
    """The rows of every tag, champions first.

    Shape: those of tag t are `rows[starts[t]:starts[t + 1]]`, with their `weights`.
    """

    starts: Starts
    rows: Numbers
    weights: npt.NDArray[np.float32]

    def rows_of(self, tag: int) -> Numbers:
        """Everything that has the tag."""
        return self.rows[self.starts[tag] : self.starts[tag + 1]]


class TagSearch:
    """Searches the lists of one catalogue."""

    def __init__(self, table: TagTable, lists: TagLists, order: Numbers) -> None:
        """Shape: `order` (n,)."""
        self._table = table
        self._lists = lists
        self._order = order

    def best(self, wanted: Mapping[int, float], limit: int, scope: Scope) -> Rows:
        """The rows of the greatest sums of wanted weight times their own, ties by id.

        Shape: `wanted` from tag to weight.
        """
        # Ascending, so that every way of adding up a row adds in the same order.
        tags = np.array(sorted(tag for tag in wanted if wanted[tag]), dtype=np.intp)
        weights = np.array([wanted[tag] for tag in tags.tolist()], dtype=np.float64)
        lengths = self._lists.starts[tags + 1] - self._lists.starts[tags]
        if not len(tags):
            return np.zeros(0, dtype=np.intp)
        inside = len(self._order) if scope.rows is None else len(scope.rows)
        read = min(inside, int(lengths.sum()))
        if read > _MOST_READ and not scope.narrowed:
            rows, sums = self._of_champions(tags, weights, lengths, limit, scope)
        elif scope.rows is not None and inside <= read:
            rows, sums = self._scored(scope.rows, tags, weights)
        else:
            rows, sums = self._read(tags, weights, lengths, scope)
        sharing = sums > 0
        rows, sums = rows[sharing], sums[sharing]
        return best_rows(rows, sums, self._order[rows], limit)

    def _of_champions(
        self, tags: Rows, weights: Floats, lengths: Rows, limit: int, scope: Scope
    ) -> tuple[Rows, Floats]:
        # By the cube: the rows that matter have the tags that weigh most, nearly always.
        cubes = np.abs(weights * weights * weights)
        read = _CHAMPIONS / max(scope.share, _LEAST_SHARE)
        shares = np.ceil(cubes * (read / cubes.sum())).astype(np.intp)
        shares = np.minimum(shares, lengths)
        entries = np.sort(_heads(self._lists.rows, self._lists.starts[tags], shares))
        once = np.ones(len(entries), dtype=np.bool_)
        np.not_equal(entries[1:], entries[:-1], out=once[1:])
        rows = scope.keep(entries[once])
        rows, sums = self._scored(rows, tags, weights)
        if np.count_nonzero(sums > 0) < limit:
            return self._read(tags, weights, lengths, scope)
        return rows, sums

    def _read(
        self, tags: Rows, weights: Floats, lengths: Rows, scope: Scope
    ) -> tuple[Rows, Floats]:
        """The sums of all rows that stand in the lists."""
        begins = self._lists.starts[tags]
        entries = _heads(self._lists.rows, begins, lengths).astype(np.intp)
        products = np.repeat(weights, lengths) * _heads(self._lists.weights, begins, lengths)
        rows, sums = sums_by_row(entries, products, len(self._order))
        inside = ~scope.blocked[rows]
        return rows[inside], sums[inside]

    def _scored(self, rows: Rows, tags: Rows, weights: Floats) -> tuple[Rows, Floats]:
        """The rows with their whole sums."""
        wanted = np.zeros(len(self._lists.starts) - 1)
        wanted[tags] = weights
        places, owners = members(self._table.starts, rows)
        own, own_weights = unpacked(self._table.entries[places])
        sums = np.bincount(owners, weights=wanted[own] * own_weights, minlength=len(rows))
        return rows, sums.astype(np.float64)


def _heads(values: Values, begins: Rows, lengths: Rows) -> Values:
    """So many of the first entries of each list, one list after the other."""
    ends = (begins + lengths).tolist()
    return np.concatenate(
        [values[begin:end] for begin, end in zip(begins.tolist(), ends, strict=True)]
    )


def tag_lists(table: TagTable, tags: int, order: Numbers) -> TagLists:
    """The lists of the rows of a table that are shown: those with a place in `order`.

    Shape: `order` (shown,) of the first rows.
    """
    rows = np.repeat(np.arange(len(table.starts) - 1, dtype=np.int32), np.diff(table.starts))
    ids, weights = unpacked(table.entries[: table.starts[len(order)]])
    sorter = np.argsort(ids, kind="stable")
    starts = starts_of(np.bincount(ids, minlength=tags))
    for tag in np.flatnonzero(np.diff(starts) > _SHORT_LIST).tolist():
        own = sorter[starts[tag] : starts[tag + 1]]
        typical = _typicality(table, rows[own].astype(np.intp), tags) * weights[own]
        sorter[starts[tag] : starts[tag + 1]] = own[np.lexsort((order[rows[own]], -typical))]
    return TagLists(starts, rows[sorter], weights[sorter])


def _typicality(table: TagTable, rows: Rows, tags: int) -> Floats:
    """How much each of the rows shares with the mean of them all."""
    places, owners = members(table.starts, rows)
    ids, weights = unpacked(table.entries[places])
    total = np.bincount(ids, weights=weights, minlength=tags)
    shared = np.bincount(owners, weights=weights * total[ids], minlength=len(rows))
    return shared.astype(np.float64, copy=False)
