"""Positions on the earth and the distance between them."""

from math import asin, cos, radians, sin, sqrt

import msgspec
import numpy as np
import numpy.typing as npt

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius; a sphere is wrong by at most 0.5 %, far below a visitor's walk."""


class GeoPoint(msgspec.Struct, frozen=True):
    """A WGS 84 position. Units: degrees."""

    lat: float
    lon: float


def distance_m(a: GeoPoint, b: GeoPoint) -> float:
    """Great-circle distance by the haversine formula.

    Units: metres.
    Source: R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68(2), 1984.
    """
    half_lat = radians(b.lat - a.lat) / 2
    half_lon = radians(b.lon - a.lon) / 2
    chord = sin(half_lat) ** 2 + cos(radians(a.lat)) * cos(radians(b.lat)) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, chord)))


def distances_m(a: GeoPoint, places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same to many places at once, NaN where there is none.

    Shape: `places` (n, 2) latitude and longitude in degrees, to (n,).
    """
    lats, lons = np.radians(places[:, 0]), np.radians(places[:, 1])
    lat, lon = radians(a.lat), radians(a.lon)
    chord = np.sin((lats - lat) / 2) ** 2
    chord += cos(lat) * np.cos(lats) * np.sin((lons - lon) / 2) ** 2
    metres: npt.NDArray[np.float64] = (
        2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord)))
    )
    return metres
