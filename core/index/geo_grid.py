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
_POLE = 90.0
_ENOUGH = 4
_CROWDED = 8
"""In a crowd of eight times the limit only the part that should hold four times it is read."""
_SHRINK_LEAST = 0.1
_LEAST_M = 1.0
"""Who stands in one spot is read whole: no smaller circle would part them."""


class GeoGrid(msgspec.Struct, frozen=True):
    """What has a place, sorted by cell.

    Shape: `cells` and `rows` (placed,), `places` (placed, 2): read one after the
        other here, the rows' own would lie anywhere in memory.
    """

    cells: Numbers
    rows: Numbers
    places: Floats

    @classmethod
    def of(cls, places: Floats) -> "GeoGrid":
        """The grid of places, NaN where there is none. Shape: (n, 2)."""
        rows = np.flatnonzero(~np.isnan(places).any(axis=1)).astype(np.int32)
        bands = np.clip((places[rows, 0] + 90.0) * 100.0, 0, _BANDS - 1).astype(np.int64)
        cells = _cell_numbers(bands, (places[rows, 1] + 180.0) % 360.0 - 180.0)
        rows = rows[np.argsort(cells, kind="stable")]
        return cls(np.sort(cells).astype(np.int32), rows, places[rows])

    def within(self, near: GeoPoint, radius_m: float) -> tuple[Rows, Floats]:
        """Every row that close, and its distance in metres."""
        return self.read(near, radius_m, self.stretches(near, radius_m))

    def read(self, near: GeoPoint, radius_m: float, stretches: "Stretches") -> tuple[Rows, Floats]:
        """The rows of these stretches that are that close, and their distances."""
        places = spans(*stretches)
        metres = distances_m(near, self.places[places])
        inside = metres <= radius_m
        return self.rows[places[inside]].astype(np.intp), metres[inside]

    def stretches(self, near: GeoPoint, radius_m: float) -> "Stretches":
        """Where what lies in the cells around a place begins, and how much that is."""
        angle = min(pi, max(0.0, radius_m) / EARTH_RADIUS_M)
        south = near.lat - degrees(angle) - _MARGIN_DEG
        north = near.lat + degrees(angle) + _MARGIN_DEG
        bands = np.arange(
            max(0, int((south + 90.0) * 100.0)), min(_BANDS, int((north + 90.0) * 100.0) + 1)
        )
        around = _longitudes(near, angle, reaches_pole=max(-south, north) >= _POLE)
        firsts = [_cell_numbers(bands, west) for west, _ in around]
        lasts = [_cell_numbers(bands, east) for _, east in around]
        borders = np.concatenate([*firsts, *(last + 1 for last in lasts)]).astype(np.int32)
        found = np.searchsorted(self.cells, borders)
        begins, ends = found[: len(found) // 2], found[len(found) // 2 :]
        return begins, ends - begins


Stretches = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


class GeoSearch:
    """Searches the grid of one catalogue."""

    def __init__(self, grid: GeoGrid, places: Floats, order: Numbers) -> None:
        """Shape: `places` (n, 2), `order` (n,)."""
        self._grid = grid
        self._places = places
        self._order = order

    def nearest(self, near: GeoPoint, radius_m: float, limit: int, scope: Scope) -> Rows:
        """The nearest rows within the radius, ties by id."""
        if scope.rows is not None and len(scope.rows) <= _CROWDED * limit:
            metres = distances_m(near, self._places[scope.rows])
            rows, metres = scope.rows[metres <= radius_m], metres[metres <= radius_m]
            return best_rows(rows, -metres, self._order[rows], limit)
        radius_m = min(radius_m, pi * EARTH_RADIUS_M)
        tried, stretches = self._first_part(near, radius_m, limit)
        while True:
            rows, metres = self._grid.read(near, tried, stretches)
            inside = ~scope.blocked[rows]
            if tried >= radius_m or np.count_nonzero(inside) >= limit:
                rows, metres = rows[inside], metres[inside]
                return best_rows(rows, -metres, self._order[rows], limit)
            tried = min(radius_m, 2 * tried)
            stretches = self._grid.stretches(near, tried)

    def _first_part(self, near: GeoPoint, radius_m: float, limit: int) -> tuple[float, Stretches]:
        """The radius, or less in a crowd, within which enough should be found."""
        while True:
            stretches = self._grid.stretches(near, radius_m)
            crowd = int(stretches[1].sum())
            if crowd <= _CROWDED * limit or not radius_m >= _LEAST_M:
                return radius_m, stretches
            radius_m *= max(_SHRINK_LEAST, (_ENOUGH * limit / crowd) ** 0.5)


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
