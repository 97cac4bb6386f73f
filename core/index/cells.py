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
_WIDER = 4
"""By how much more is read while a filter leaves fewer than the limit."""
_WIDE_SHARE = 0.5
"""A filter with more than this inside is searched by whole cells, a narrower one by its rows."""


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
        if inside is not None and len(inside) > _WIDE_SHARE * len(self._order):
            inside = None
        if inside is not None and len(inside) <= self._probe.most_rows:
            rows, products = inside, self._vectors[inside] @ vector
        else:
            rows, products = self._through_cells(vector, limit, scope, inside)
        return best_rows(rows, products, self._order[rows], limit)

    def _through_cells(
        self, vector: GridVector, limit: int, scope: Scope, inside: Rows | None
    ) -> tuple[Rows, GridVector]:
        reader = _CellReader(self._cells, self._vectors, vector, scope, inside)
        closeness = self._cells.centroids @ vector
        ranked = np.argsort(-closeness, kind="stable")
        read = np.cumsum(reader.sizes(ranked))
        wanted, done = max(_FIRST_LEAST, _FIRST_SHARE * limit), 0
        while done < len(ranked) and reader.found < max(1, limit):
            upto = int(np.searchsorted(read, wanted)) + 1
            reader.read(ranked[done:upto])
            wanted, done = wanted * _WIDER, upto
        rest = ranked[done:]
        if len(rest):
            length = float(np.sqrt(vector @ vector))
            strays = self._probe.reach * length * self._spread[rest]
            promised = self._cells.cohesion[rest] * closeness[rest] + strays
            rest = rest[np.argsort(-promised, kind="stable")]
            rest = rest[: int(np.count_nonzero(promised >= reader.worst(limit)))]
            room = self._probe.most_rows - int(read[done - 1])
            reader.read(rest[np.cumsum(reader.sizes(rest)) <= room])
        return reader.hits()


class _CellReader:
    """Collects the rows of cells that are inside the scope, and their products with a vector."""

    def __init__(
        self,
        cells: VectorCells,
        vectors: GridMatrix,
        vector: GridVector,
        scope: Scope,
        inside: Rows | None,
    ) -> None:
        self._vectors = vectors
        self._vector = vector
        self._scope = scope
        self._inside = inside
        # Of a narrow filter the same cells, counted among the rows inside.
        self._starts = cells.starts if inside is None else np.searchsorted(inside, cells.starts)
        self._rows: list[Rows] = []
        self._products: list[GridVector] = []
        self.found = 0

    def sizes(self, cells: Rows) -> npt.NDArray[np.int64]:
        """How many rows there are to read in each cell."""
        sizes: npt.NDArray[np.int64] = self._starts[cells + 1] - self._starts[cells]
        return sizes

    def read(self, cells: Rows) -> None:
        """Add the rows of these cells."""
        if not len(cells):
            return
        begins = self._starts[cells]
        rows = spans(begins, self.sizes(cells))
        if self._inside is None:
            ends = self._starts[cells + 1].tolist()
            products = np.concatenate(
                [
                    self._vectors[begin:end] @ self._vector
                    for begin, end in zip(begins.tolist(), ends, strict=True)
                ]
            )
            open_ = ~self._scope.blocked[rows]
            rows, products = rows[open_], products[open_]
        else:
            rows = self._inside[rows]
            products = self._vectors[rows] @ self._vector
        self._rows.append(rows)
        self._products.append(products)
        self.found += len(rows)

    def worst(self, limit: int) -> float:
        """The product of the last of the best so far."""
        _, products = self.hits()
        if not 0 < limit <= len(products):
            return -np.inf if limit > 0 else np.inf
        return float(np.partition(products, len(products) - limit)[len(products) - limit])

    def hits(self) -> tuple[Rows, GridVector]:
        """What was read and is inside the scope."""
        if len(self._rows) != 1:
            self._rows = [np.concatenate([np.zeros(0, dtype=np.intp), *self._rows])]
            self._products = [np.concatenate([np.zeros(0, dtype=np.float32), *self._products])]
        return self._rows[0], self._products[0]
