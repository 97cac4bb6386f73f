"""Search by place: cells of about a kilometre, row by row of latitude around the earth.

Each band of latitude has as many cells as it is kilometres long, so that the
cells of a stretch of a band have numbers in a row, and the items in them are one
slice of the items sorted by cell. The date line cuts a stretch into two.
"""

from functools import cache
from math import asin, cos, degrees, pi, radians, sin

import msgspec
import numpy as np
import numpy.typing as npt

from core.geo import EARTH_RADIUS_M, GeoPoint, distances_m
from core.index.best import best_rows
from core.index.scope import Scope
from core.ragged import Numbers, Rows, spans, starts_of
from core.vectors import Floats

_BANDS = 18_000
"""Of a hundredth of a degree, 1.1 km."""
_CELLS_AROUND = 36_000
_MARGIN_DEG = 1e-7
"""A centimetre, so that rounding never leaves out what is inside."""
_ENOUGH = 3
_CROWDED = 4
"""In a crowd of four times the limit only the part that should hold three times it is read."""


class GeoGrid(msgspec.Struct, frozen=True):
    """The rows that have a place, by cell. Shape: both (placed,), `cells` ascending."""

    cells: Numbers
    rows: Numbers

    @classmethod
    def of(cls, places: Floats) -> "GeoGrid":
        """The grid of places, NaN where there is none. Shape: (n, 2)."""
        rows = np.flatnonzero(~np.isnan(places).any(axis=1)).astype(np.int32)
        bands = np.clip((places[rows, 0] + 90.0) * 100.0, 0, _BANDS - 1).astype(np.int64)
        cells = _cell_numbers(bands, (places[rows, 1] + 180.0) % 360.0 - 180.0)
        sorter = np.argsort(cells, kind="stable")
        return cls(cells[sorter].astype(np.int32), rows[sorter])


class GeoSearch:
    """Searches the grid of one catalogue."""

    def __init__(self, grid: GeoGrid, places: Floats, order: Numbers) -> None:
        """Shape: `places` (n, 2), `order` (n,)."""
        self._grid = grid
        self._places = places
        self._order = order

    def within(self, near: GeoPoint, radius_m: float) -> tuple[Rows, Floats]:
        """Every row that close, and its distance in metres."""
        begins, lengths = self._stretches(near, radius_m)
        rows = self._grid.rows[spans(begins, lengths)].astype(np.intp)
        return self._inside(near, radius_m, rows)

    def nearest(self, near: GeoPoint, radius_m: float, limit: int, scope: Scope) -> Rows:
        """The nearest rows within the radius, ties by id."""
        if scope.rows is not None and len(scope.rows) <= _CROWDED * limit:
            rows, metres = self._inside(near, radius_m, scope.rows)
            return best_rows(rows, -metres, self._order[rows], limit)
        tried = self._first_radius(near, radius_m, limit)
        while True:
            rows, metres = self.within(near, tried)
            inside = ~scope.blocked[rows]
            rows, metres = rows[inside], metres[inside]
            if tried >= radius_m or len(rows) >= limit:
                return best_rows(rows, -metres, self._order[rows], limit)
            tried = min(radius_m, 2 * tried)

    def _first_radius(self, near: GeoPoint, radius_m: float, limit: int) -> float:
        """Within which enough should be found: it halves while there still is a crowd."""
        while limit > 0:
            crowd = int(self._stretches(near, radius_m)[1].sum())
            if crowd <= _CROWDED * limit:
                break
            radius_m *= max(0.1, (_ENOUGH * limit / crowd) ** 0.5)
            if radius_m < 1.0:
                break
        return radius_m

    def _inside(self, near: GeoPoint, radius_m: float, rows: Rows) -> tuple[Rows, Floats]:
        metres = distances_m(near, self._places[rows])
        inside = metres <= radius_m
        return rows[inside], metres[inside]

    def _stretches(
        self, near: GeoPoint, radius_m: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Where the items of the cells around a place begin, and how many they are."""
        angle = min(pi, max(0.0, radius_m) / EARTH_RADIUS_M)
        south = near.lat - degrees(angle) - _MARGIN_DEG
        north = near.lat + degrees(angle) + _MARGIN_DEG
        first = max(0, int((south + 90.0) * 100.0))
        last = min(_BANDS - 1, int((north + 90.0) * 100.0))
        bands = np.arange(first, last + 1)
        begins, ends = [], []
        for west, east in _longitudes(near, angle, reaches_pole=south <= -90 or north >= 90):  # noqa: PLR2004 - the poles
            begins.append(np.searchsorted(self._grid.cells, _cell_numbers(bands, west), "left"))
            ends.append(np.searchsorted(self._grid.cells, _cell_numbers(bands, east), "right"))
        started = np.concatenate(begins)
        return started, np.concatenate(ends) - started


def _longitudes(near: GeoPoint, angle: float, *, reaches_pole: bool) -> list[tuple[float, float]]:
    """The stretches of longitude that a circle reaches into."""
    if reaches_pole or sin(angle) >= cos(radians(near.lat)):
        return [(-180.0, 180.0)]
    half = degrees(asin(sin(angle) / cos(radians(near.lat)))) + _MARGIN_DEG
    middle = (near.lon + 180.0) % 360.0 - 180.0
    west, east = middle - half, middle + half
    if west < -180.0:  # noqa: PLR2004 - the date line
        return [(-180.0, east), (west + 360.0, 180.0)]
    if east > 180.0:  # noqa: PLR2004 - the date line
        return [(west, 180.0), (-180.0, east - 360.0)]
    return [(west, east)]


def _cell_numbers(bands: npt.NDArray[np.int64], lons: Floats | float) -> npt.NDArray[np.int64]:
    """The cell of each longitude in its band."""
    counts, starts = _bands()
    wanted = np.floor((lons + 180.0) / 360.0 * counts[bands])
    return starts[bands] + np.clip(wanted, 0, counts[bands] - 1).astype(np.int64)


@cache
def _bands() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How many cells each band has, and the number of its first."""
    widths = [
        max(1, int(_CELLS_AROUND * cos(radians((band + 0.5) / 100.0 - 90.0))))
        for band in range(_BANDS)
    ]
    counts = np.array(widths, dtype=np.int64)
    return counts, starts_of(counts)[:-1]
