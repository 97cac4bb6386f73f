"""Items as columns, so that ranking hundreds of them touches no object an item.

`ContentColumns` holds a whole catalogue, in memory or memory-mapped;
`ContentRows` is a choice of its rows, which reads as a sequence of `Content`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import overload

import msgspec
import numpy as np
import numpy.typing as npt

from core.content import Content
from core.ragged import Rows, members
from core.strings import StringTable
from core.tag_entries import Entries, packed, unpacked
from core.vectors import Floats, GridMatrix


class TagRows(msgspec.Struct, frozen=True, kw_only=True):
    """The tags of some items, one after the other.

    Shape: `owners`, `ids` and `weights` (k,), the position of the item among the
        `count`, the tag and how much the item has of it.
    """

    count: int
    owners: Rows
    ids: Rows
    weights: npt.NDArray[np.float32]

    def overlap(self, wanted: Floats) -> Floats:
        """Each item's sum of wanted weight times its own. Shape: (tags,) to (count,)."""
        products = wanted[self.ids] * self.weights
        sums = np.bincount(self.owners, weights=products, minlength=self.count)
        return sums.astype(np.float64, copy=False)  # of whole numbers where there is nothing


class TagColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The items' tags in compressed sparse rows.

    Shape: the tags of row r are `entries[starts[r]:starts[r + 1]]`, each with its
        weight as `core.tag_entries` packs them; `vocabulary` from a tag's key to
        its id.
    """

    vocabulary: Mapping[str, int]
    starts: npt.NDArray[np.int64]
    entries: Entries

    def of(self, rows: Rows) -> TagRows:
        """The tags of these rows."""
        places, owners = members(self.starts, rows)
        ids, weights = unpacked(self.entries[places])
        return TagRows(count=len(rows), owners=owners, ids=ids, weights=weights)

    def profile(self, weights: Mapping[str, float]) -> Floats:
        """Weights by tag key as a column. Shape: (tags,)."""
        column = np.zeros(len(self.vocabulary))
        for key, weight in weights.items():
            if (tag := self.vocabulary.get(key)) is not None:
                column[tag] = weight
        return column


class ContentColumns(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue. Row r of every column is the same item.

    Shape: `vectors` (n, dim) on the grid; `places` (n, 2) latitude and longitude
        in degrees, NaN for an item without; `order` (n,) the position of the
        row's id among all ids, which breaks ties; `ruled` (n,) whether the item
        is in a group of `apart` or `together`.
    """

    ids: StringTable
    contents: Sequence[Content]
    title_of: Callable[[int], str]
    """The title of a row's item; making the whole item takes five times as long."""
    order: npt.NDArray[np.int32]
    vectors: GridMatrix
    tags: TagColumns
    places: Floats
    ruled: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        """Number of items."""
        return len(self.ids)

    @classmethod
    def of(cls, contents: Sequence[Content]) -> "ContentColumns":
        """Columns of items in memory, in the given order; ids must differ."""
        ids = [content.id for content in contents]
        order = np.empty(len(ids), dtype=np.int32)
        order[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
        places = [
            (np.nan, np.nan) if one.position is None else (one.position.lat, one.position.lon)
            for one in contents
        ]
        grouped = [bool(one.rules.apart) or one.rules.together is not None for one in contents]
        return cls(
            ids=StringTable.of(ids),
            contents=contents,
            title_of=lambda row: contents[row].title,
            order=order,
            vectors=_matrix(contents),
            tags=_tag_columns(contents),
            places=np.array(places, dtype=np.float64).reshape(-1, 2),
            ruled=np.array(grouped, dtype=np.bool_),
        )


class ContentRows(Sequence[Content]):
    """Some items of a catalogue in an order; each is made when it is asked for."""

    __slots__ = ("columns", "rows")

    def __init__(self, columns: ContentColumns, rows: Rows) -> None:
        """Shape: `rows` row numbers of `columns`."""
        self.columns = columns
        self.rows = rows

    @classmethod
    def of(cls, contents: Iterable[Content]) -> "ContentRows":
        """Items that are no part of a larger catalogue."""
        listed = list(contents)
        return cls(ContentColumns.of(listed), np.arange(len(listed), dtype=np.intp))

    def __len__(self) -> int:
        """Number of items."""
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Content: ...
    @overload
    def __getitem__(self, index: slice) -> "ContentRows": ...
    def __getitem__(self, index: int | slice) -> "Content | ContentRows":
        """An item, or some of them."""
        if isinstance(index, slice):
            return ContentRows(self.columns, self.rows[index])
        return self.columns.contents[int(self.rows[index])]

    @property
    def ids(self) -> list[str]:
        """The items' ids, without making the items."""
        return self.columns.ids.take(self.rows)

    def title(self, index: int) -> str:
        """The title of one of the items, without making the item."""
        return self.columns.title_of(int(self.rows[index]))

    @property
    def vectors(self) -> GridMatrix:
        """Shape: (n, dim)."""
        return self.columns.vectors[self.rows]

    def locate(self, others: "ContentRows") -> Rows:
        """Where each of `others` stands among these items, -1 for who does not.

        Shape: (len(others),).
        """
        if others.columns is not self.columns:
            at = {content_id: index for index, content_id in enumerate(self.ids)}
            return np.array([at.get(one, -1) for one in others.ids], dtype=np.intp)
        if not (len(self.rows) and len(others)):
            return np.full(len(others), -1, dtype=np.intp)
        sorter = np.argsort(self.rows, kind="stable")
        found = np.searchsorted(self.rows, others.rows, sorter=sorter)
        at_rows = sorter[np.minimum(found, len(sorter) - 1)]
        return np.where(self.rows[at_rows] == others.rows, at_rows, -1)

    def take(self, indices: Sequence[int] | Rows) -> "ContentRows":
        """The items at these positions."""
        return ContentRows(self.columns, self.rows[np.asarray(indices, dtype=np.intp)])


def _matrix(contents: Sequence[Content]) -> GridMatrix:
    if not contents:
        return np.zeros((0, 0), dtype=np.float32)
    return np.stack([content.vector for content in contents])


def _tag_columns(contents: Sequence[Content]) -> TagColumns:
    vocabulary: dict[str, int] = {}
    starts = [0]
    ids: list[int] = []
    weights: list[float] = []
    for content in contents:
        own: dict[int, float] = {}
        for key, weight in content.keyed_tags:
            tag = vocabulary.setdefault(key, len(vocabulary))
            own[tag] = own.get(tag, 0.0) + weight
        ids += own
        weights += own.values()
        starts.append(len(ids))
    return TagColumns(
        vocabulary=vocabulary,
        starts=np.array(starts, dtype=np.int64),
        entries=packed(np.array(ids, dtype=np.int64), np.array(weights, dtype=np.float32)),
    )


NOTHING = ContentRows.of(())
