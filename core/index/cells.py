"""Vector search: rows lie together by cell, and a query looks into the cells that may matter.

The cells nearest to the query are read first. Then the worst of the hits says
how good another row would have to be, and of each other cell is known how good
its rows may be: what its centre promises, and more by as much as they stray from
it. An easy query so reads a hundredth of the catalogue, a hard one (between
several interests) ten times that, for the same recall.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from core.index.best import best_rows
from core.index.scope import Scope
from core.ragged import Numbers, Rows, Starts, spans
from core.vectors import GRID, Floats, GridMatrix, GridVector

_FIRST_SHARE = 3
_FIRST_LEAST = 256
"""So many rows are read before cells are judged: three times the limit, or at least this."""
_NEAREST = 32
"""So many cells are put in order: more than nearly every search reads before it judges."""
_WIDER = 4
"""By how much more is read while a filter leaves fewer than the limit."""
_WIDE_SHARE = 0.5
"""A filter with more than this inside is searched by whole cells, a narrower one by its rows."""
_NEARLY_ALL = 0.95
"""With more than this inside a cell counts for all its rows."""
_NO_PRODUCTS: GridVector = np.zeros(0, dtype=np.float32)


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """How far a search goes; both are found by measuring recall when the index is built.

    `reach`: by how much of their spread the rows of a cell may be better than
    its centre promises. `most_rows`: where the hardest queries end.
    """

    reach: float
    most_rows: int


class VectorCells(msgspec.Struct, frozen=True):
    """Where the rows of each cell are: `starts[c]` to `starts[c + 1]`.

    Shape: `centroids` (cells, dim) on the grid; `cohesion` (cells,) the mean
        cosine of a cell's rows with its centroid.
    """

    centroids: GridMatrix
    starts: Starts
    cohesion: Floats

    def mean_cohesion(self) -> float:
        """The mean cosine of a row with the centroid of its cell."""
        return float(np.average(self.cohesion, weights=np.diff(self.starts)))

    def spread(self) -> Floats:
        """How far the rows of each cell reach out to its side. Shape: (cells,)."""
        aside: Floats = GRID * np.sqrt(np.maximum(0.0, 1.0 - self.cohesion**2))
        return aside


class VectorSearch:
    """Searches the cells of one catalogue."""

    def __init__(
        self, cells: VectorCells, vectors: GridMatrix, order: Numbers, probe: Probe
    ) -> None:
        """Shape: `vectors` (n, dim), `order` (n,)."""
        self._cells = cells
        self._vectors = vectors
        self._order = order
        self._probe = probe
        self._spread = cells.spread()

    def nearest(self, vector: GridVector, limit: int, scope: Scope) -> Rows:
        """The rows of the greatest products with `vector`, ties by id."""
        inside = scope.rows
        if inside is not None and len(inside) <= self._probe.most_rows:
            rows, products = inside, self._vectors[inside] @ vector
        elif inside is not None and len(inside) <= _WIDE_SHARE * len(self._order):
            # The same cells, counted among the rows inside.
            starts = np.searchsorted(inside, self._cells.starts)
            reader: _Reader = _RowReader(starts, self._vectors, vector, inside)
            rows, products = self._through_cells(vector, limit, reader)
        else:
            reader = _SliceReader(self._cells.starts, self._vectors, vector, scope)
            rows, products = self._through_cells(vector, limit, reader)
        return best_rows(rows, products, self._order[rows], limit)

    def _through_cells(
        self, vector: GridVector, limit: int, reader: "_Reader"
    ) -> tuple[Rows, GridVector]:
        closeness = (self._cells.centroids @ vector).astype(np.float64)
        ranked = _nearest_first(closeness, _NEAREST)
        read = np.cumsum(reader.sizes[ranked])
        wanted, done = max(_FIRST_LEAST, _FIRST_SHARE * limit), 0
        while done < len(closeness) and reader.found < max(1, limit):
            upto = int(np.searchsorted(read, wanted)) + 1
            if upto > len(ranked) and len(ranked) < len(closeness):
                ranked = _nearest_first(closeness, len(closeness))
                read = np.cumsum(reader.sizes[ranked])
                continue
            reader.read(ranked[done:upto])
            wanted, done = wanted * _WIDER, min(upto, len(ranked))
        if done < len(closeness):
            length = float(np.sqrt(vector @ vector))
            promised = (
                self._cells.cohesion * closeness + (self._probe.reach * length) * self._spread
            )
            promised[ranked[:done]] = -np.inf
            room = self._probe.most_rows - int(read[done - 1])
            reader.read(_most_promising(promised, reader.worst(limit), reader.sizes, room))
        return reader.hits()


def _nearest_first(closeness: Floats, count: int) -> Rows:
    """So many of the nearest cells. No two are equally near: of a tie the first is nearer."""
    farness = np.arange(len(closeness)) - closeness * len(closeness)
    if count >= len(closeness):
        return np.argsort(farness)
    nearest = np.argpartition(farness, count)[:count]
    ranked: Rows = nearest[np.argsort(farness[nearest])]
    return ranked


def _most_promising(
    promised: Floats, worst: float, sizes: npt.NDArray[np.int64], room: int
) -> Rows:
    """The cells that promise better than the worst hit; of too many those that promise most."""
    cells = np.flatnonzero(promised >= worst)
    if sizes[cells].sum() > room:
        cells = cells[np.lexsort((cells, -promised[cells]))]
        cells = cells[np.cumsum(sizes[cells]) <= room]
    return cells


class _Reader:
    """Collects rows of cells and their products with a vector."""

    def __init__(self, starts: Starts, vectors: GridMatrix, vector: GridVector) -> None:
        self.starts = starts
        self.sizes: npt.NDArray[np.int64] = starts[1:] - starts[:-1]
        self.vectors = vectors
        self.vector = vector
        self.found = 0
        self._rows: list[Rows] = []
        self._products: list[GridVector] = []

    def read(self, cells: Rows) -> None:
        """Add what these cells have."""
        if len(cells):
            rows, products = self.rows_of(cells)
            self._rows.append(rows)
            self._products.append(products)
            self.found += len(rows)

    def rows_of(self, cells: Rows) -> tuple[Rows, GridVector]:
        """The rows of these cells that are inside the scope, and their products."""
        raise NotImplementedError

    def worst(self, limit: int) -> float:
        """The product of the last of the best so far."""
        _, products = self.hits()
        if not 0 < limit <= len(products):
            return -np.inf if limit > 0 else np.inf
        return float(np.partition(products, len(products) - limit)[len(products) - limit])

    def hits(self) -> tuple[Rows, GridVector]:
        """Everything so far."""
        if len(self._rows) != 1:
            self._rows = [np.concatenate([np.zeros(0, dtype=np.intp), *self._rows])]
            self._products = [np.concatenate([_NO_PRODUCTS, *self._products])]
        return self._rows[0], self._products[0]


class _SliceReader(_Reader):
    """Reads whole cells: each is one slice of the vectors, and one product."""

    def __init__(
        self, starts: Starts, vectors: GridMatrix, vector: GridVector, scope: Scope
    ) -> None:
        super().__init__(starts, vectors, vector)
        self._blocked = scope.blocked
        self._whole = self.sizes
        if scope.share < _NEARLY_ALL:
            # A cell counts for what it has inside: whole cells may have nothing, of a language.
            outside = np.searchsorted(np.flatnonzero(scope.blocked), starts)
            self.sizes = self.sizes - np.diff(outside)

    def rows_of(self, cells: Rows) -> tuple[Rows, GridVector]:
        cells = cells[self.sizes[cells] > 0]
        begins, sizes = self.starts[cells], self._whole[cells]
        vectors, vector = self.vectors, self.vector
        slices = zip(begins.tolist(), (begins + sizes).tolist(), strict=True)
        products = np.concatenate([_NO_PRODUCTS, *(vectors[b:e] @ vector for b, e in slices)])
        rows = spans(begins, sizes)
        blocked = self._blocked[rows]
        if blocked.any():
            rows, products = rows[~blocked], products[~blocked]
        return rows, products


class _RowReader(_Reader):
    """Reads only the rows inside a narrow filter."""

    def __init__(
        self, starts: Starts, vectors: GridMatrix, vector: GridVector, inside: Rows
    ) -> None:
        super().__init__(starts, vectors, vector)
        self._inside = inside

    def rows_of(self, cells: Rows) -> tuple[Rows, GridVector]:
        rows = self._inside[spans(self.starts[cells], self.sizes[cells])]
        return rows, self.vectors[rows] @ self.vector
