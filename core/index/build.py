"""Builds the index of a catalogue: the same items give the same arrays on every machine."""

from collections.abc import Iterable

import msgspec
import numpy as np

from core.content import Content
from core.index import row_arrays
from core.index.arrays import Figures, IndexArrays
from core.index.calibrate import calibrate, still_enough
from core.index.cells import Probe, VectorCells
from core.index.clustering import cell_count, cells_of, train_centroids
from core.index.documents import DocumentBlock
from core.index.gathering import Gathered
from core.index.geo_grid import GeoGrid
from core.index.row_arrays import RowOrder
from core.index.tag_lists import tag_lists
from core.index.word_entries import word_lists
from core.ragged import Numbers, Rows
from core.strings import StringLookup, StringTable
from core.vectors import GridMatrix

_STILL_FITS = 0.1
"""Centroids are kept while the catalogue is within a tenth of the size they were found for."""
_AS_CLOSE = 0.98
"""And while its items are as near to them: of ones farther off searches read more."""


class BuiltIndex(msgspec.Struct, frozen=True, kw_only=True):
    """An index: its arrays, and what is said of them."""

    arrays: IndexArrays
    figures: Figures


def build_index(
    contents: Iterable[Content], vector_space: str = "", *, previous: BuiltIndex | None = None
) -> BuiltIndex:
    """Index the items; a later one of the same id replaces an earlier one.

    With the index of a similar catalogue as `previous` its centroids are taken if
    they serve as well, which saves a third of the time. The bytes then differ from
    a fresh build's, and searches may miss other rows.
    """
    gathered = Gathered()
    for content in contents:
        gathered.add(content)
    ids, positions = gathered.sorted_ids()
    vectors = gathered.vectors()[positions]
    version = gathered.version(vector_space, positions, vectors)
    hidden = np.array(gathered.hidden, dtype=np.bool_)[positions]
    shown = np.flatnonzero(~hidden)
    placed = _placed(vectors[shown], previous)
    order = np.concatenate([shown[placed.sorter], np.flatnonzero(hidden)]).astype(np.int32)
    vectors = vectors[order]
    rows = RowOrder(positions[order], order, len(shown), len(gathered.documents))
    arrays = _arrays(gathered, [ids[one] for one in order.tolist()], rows, vectors, placed.cells)
    figures = Figures(
        version=version,
        vector_space=vector_space,
        items=len(ids),
        shown=len(shown),
        dim=vectors.shape[1],
        probe=placed.probe,
        recall=placed.recall,
        trained_on=placed.trained_on,
    )
    return BuiltIndex(arrays=arrays, figures=figures)


class _Placed(msgspec.Struct, frozen=True):
    """The cells of the shown vectors, in which order they lie, and how searches go there."""

    cells: VectorCells
    sorter: Rows
    probe: Probe
    recall: float
    trained_on: int


def _placed(vectors: GridMatrix, previous: BuiltIndex | None) -> _Placed:
    count = cell_count(len(vectors))
    if previous is not None and count > 1 and _fits(vectors, previous):
        figures = previous.figures
        cells, sorter = cells_of(vectors, previous.arrays.cells.centroids)
        recall = still_enough(vectors[sorter], cells, figures.probe)
        close = cells.mean_cohesion() >= _AS_CLOSE * previous.arrays.cells.mean_cohesion()
        if recall is not None and close:
            return _Placed(cells, sorter, figures.probe, recall, figures.trained_on)
    centroids = train_centroids(vectors, count) if count > 1 else np.zeros_like(vectors[:1])
    cells, sorter = cells_of(vectors, centroids)
    probe, recall = calibrate(vectors[sorter], cells)
    return _Placed(cells, sorter, probe, recall, len(vectors))


def _fits(vectors: GridMatrix, previous: BuiltIndex) -> bool:
    """Whether the centroids may do for these vectors too, before it is tried."""
    trained_on = previous.figures.trained_on
    near = abs(len(vectors) - trained_on) <= _STILL_FITS * trained_on
    return near and previous.figures.dim == vectors.shape[1]


def _arrays(
    gathered: Gathered, ids: list[str], rows: RowOrder, vectors: GridMatrix, cells: VectorCells
) -> IndexArrays:
    table = StringTable.of(ids)
    places = np.frombuffer(gathered.places, dtype=np.float64).reshape(-1, 2)[rows.positions]
    popularity = np.frombuffer(gathered.popularity, dtype=np.float64)
    tag_names, tags = row_arrays.tag_table(gathered.tags, rows)
    return IndexArrays(
        ids=table,
        lookup=StringLookup.of(table),
        order=rows.order,
        by_order=_inverse(rows.order),
        vectors=vectors,
        cells=cells,
        places=places,
        geo=GeoGrid.of(places[: rows.shown]),
        tag_names=tag_names,
        tags=tags,
        tag_lists=tag_lists(tags, len(tag_names), rows.order[: rows.shown]),
        languages=row_arrays.language_column(gathered, rows),
        popular=row_arrays.popular_rows(popularity, rows),
        related=row_arrays.related_lists(
            gathered, {content_id: row for row, content_id in enumerate(ids)}, rows
        ),
        ruled=np.array(gathered.ruled, dtype=np.bool_)[rows.positions],
        timed=row_arrays.timed_rows(gathered, rows),
        pinned=row_arrays.pinned_rows(gathered, rows),
        groups=row_arrays.groups(gathered, rows),
        words=word_lists(gathered.texts, rows),
        documents=DocumentBlock.of([gathered.documents[one] for one in rows.positions.tolist()]),
    )


def _inverse(order: Numbers) -> Numbers:
    by_order = np.empty_like(order)
    by_order[order] = np.arange(len(order), dtype=np.int32)
    return by_order
