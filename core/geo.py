"""Positions on the earth and the distance between them."""

from math import asin, cos, radians, sin, sqrt

import msgspec

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
