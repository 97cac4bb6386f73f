"""Everything that a catalogue's index is: named arrays and a few figures.

The rows of all arrays are those of the vectors: what is shown comes first,
sorted by cell and within a cell by id, and hidden items last.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from core.index.cells import Probe, VectorCells
from core.index.curated import Groups, RelatedLists, TimedRows
from core.index.documents import DocumentBlock
from core.index.geo_grid import GeoGrid
from core.index.languages import LanguageColumn
from core.index.tag_lists import TagLists, TagTable
from core.index.words import WordLists
from core.ragged import Numbers
from core.strings import StringLookup, StringTable
from core.vectors import Floats, GridMatrix


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of an index. `version` is by content, whatever order it came in."""

    version: str
    vector_space: str
    items: int
    shown: int
    dim: int
    probe: Probe
    recall: float
    """Of the 200 nearest, as it was measured on the index's own items."""
    trained_on: int
    """How many items there were when the centroids were found."""


class IndexArrays(msgspec.Struct, frozen=True, kw_only=True):
    """The arrays.

    Shape: `order` (n,) the position of the row's id among all ids, `by_order`
        (n,) the other way round; `vectors` (n, dim); `places` (n, 2); `popular`
        the rows that have a popularity, most first; `pinned` the shown rows
        with a rank, by that rank.
    """

    ids: StringTable
    lookup: StringLookup
    order: Numbers
    by_order: Numbers
    vectors: GridMatrix
    cells: VectorCells
    places: Floats
    geo: GeoGrid
    tag_names: StringTable
    tags: TagTable
    tag_lists: TagLists
    languages: LanguageColumn
    popular: Numbers
    related: RelatedLists
    ruled: npt.NDArray[np.bool_]
    timed: TimedRows
    pinned: Numbers
    groups: Groups
    words: WordLists
    documents: DocumentBlock
