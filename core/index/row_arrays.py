"""What was gathered item by item, as arrays in the order of the index's rows."""

import numpy as np
import numpy.typing as npt

from core.index.curated import WEIGHT_STEPS, Groups, RelatedLists, TimedRows
from core.index.gathering import Gathered, SparseLists
from core.index.languages import LanguageColumn
from core.index.tag_lists import TagTable
from core.ragged import Numbers, Rows, members, starts_of
from core.strings import StringTable
from core.tag_entries import packed


class RowOrder:
    """Which item each row is, and which of the rows are shown: the first ones."""

    def __init__(self, positions: Rows, order: Numbers, shown: int, gathered: int) -> None:
        """Shape: `positions` (n,) among all that were gathered, `order` (n,)."""
        self.positions = positions
        self.order = order
        self.shown = shown
        self._row = np.full(gathered, -1, dtype=np.int32)
        self._row[positions] = np.arange(len(positions))

    def rows_of(self, positions: list[int]) -> Numbers:
        """The rows of items by their position; who does not count has none and is left out."""
        rows = self._row[np.array(positions, dtype=np.intp)]
        return rows[rows >= 0]

    def by_id(self, rows: Numbers) -> Numbers:
        """The same rows in the order of their ids."""
        return rows[np.argsort(self.order[rows], kind="stable")]


def tag_table(tags: SparseLists, rows: RowOrder) -> tuple[StringTable, TagTable]:
    """The names of all tags, sorted, and each row's."""
    starts, keys, weights = tags.arrays()
    places, owners = members(starts, rows.positions)
    names, numbers = renumbered(list(tags.numbers), keys[places])
    sorter = np.lexsort((numbers, owners))
    lengths = np.bincount(owners, minlength=len(rows.positions))
    entries = packed(numbers[sorter], weights[places][sorter])
    return names, TagTable(starts_of(lengths), entries)


def related_lists(gathered: Gathered, row_of_id: dict[str, int], rows: RowOrder) -> RelatedLists:
    """What each row names as related, where it is there and shown."""
    starts, keys, weights = gathered.related.arrays()
    places, owners = members(starts, rows.positions)
    targets = np.array([row_of_id.get(one, -1) for one in gathered.related.numbers], dtype=np.int32)
    named = targets[keys[places]] if len(targets) else np.zeros(0, dtype=np.int32)
    known = (named >= 0) & (named < rows.shown)
    lengths = np.bincount(owners[known], minlength=len(rows.positions))
    steps = np.rint(np.clip(weights[places][known], 0.0, 1.0) * WEIGHT_STEPS)
    return RelatedLists(starts_of(lengths), named[known], steps.astype(np.uint16))


def language_column(gathered: Gathered, rows: RowOrder) -> LanguageColumn:
    """What each row states."""
    keys = np.frombuffer(gathered.languages, dtype=np.int32)[rows.positions]
    names, codes = renumbered(list(gathered.language_numbers), keys)
    return LanguageColumn(names, codes.astype(np.min_scalar_type(max(0, len(names) - 1))))


def popular_rows(popularity: npt.NDArray[np.float64], rows: RowOrder) -> Numbers:
    """The shown rows that have a popularity, most first."""
    values = popularity[rows.positions[: rows.shown]]
    read = np.flatnonzero(values > 0).astype(np.int32)
    return read[np.lexsort((rows.order[read], -values[read]))]


def timed_rows(gathered: Gathered, rows: RowOrder) -> TimedRows:
    """The rows that are not always valid."""
    timed = np.sort(rows.rows_of(list(gathered.valid_from_ms)))
    positions = rows.positions[timed].tolist()
    return TimedRows(
        timed,
        np.array([gathered.valid_from_ms[one] for one in positions], dtype=np.int64),
        np.array([gathered.valid_until_ms[one] for one in positions], dtype=np.int64),
    )


def pinned_rows(gathered: Gathered, rows: RowOrder) -> Numbers:
    """The shown rows with a rank, by that rank."""
    pinned = rows.rows_of(list(gathered.pinned))
    pinned = rows.by_id(pinned[pinned < rows.shown])
    ranks = [gathered.pinned[one] for one in rows.positions[pinned].tolist()]
    return pinned[sorted(range(len(ranks)), key=ranks.__getitem__)]


def groups(gathered: Gathered, rows: RowOrder) -> Groups:
    """The rows of every group that is shown together."""
    grouped = rows.by_id(rows.rows_of(list(gathered.together)))
    names = [gathered.together[one] for one in rows.positions[grouped].tolist()]
    sorter = sorted(range(len(names)), key=names.__getitem__)
    every = sorted(set(names))
    numbers = {name: number for number, name in enumerate(every)}
    counts = np.bincount([numbers[name] for name in names], minlength=len(every))
    return Groups(StringTable.of(every), starts_of(counts), grouped[sorter])


def renumbered(names: list[str], keys: Numbers) -> tuple[StringTable, Numbers]:
    """Of the names those that occur, sorted, and each key's place among them."""
    used = np.flatnonzero(np.bincount(keys, minlength=len(names))).tolist()
    in_order = sorted(used, key=names.__getitem__)
    numbers = np.zeros(len(names), dtype=np.int32)
    numbers[in_order] = np.arange(len(in_order))
    return StringTable.of([names[one] for one in in_order]), numbers[keys]
