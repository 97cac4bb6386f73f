"""A small catalogue in which every search has a known answer."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from core.content import Content, ContentFilter
from core.geo import GeoPoint
from core.vectors import GridVector, to_grid

OPEN = ContentFilter()
HERE = GeoPoint(52.5, 13.4)
# A degree of latitude is some 111 km.
KM = 1 / 111.195


def angle(degrees: float) -> GridVector:
    radians = np.deg2rad(degrees)
    return to_grid([np.cos(radians), np.sin(radians), 0.0])


def item(
    content_id: str,
    degrees: float,
    tags: Sequence[str] | dict[str, float] = (),
    north_km: float | None = None,
    language: str | None = None,
) -> Content:
    """An item whose vector points so many degrees away, so far north of here."""
    return Content(
        id=content_id,
        title=content_id.title(),
        text=f"About {content_id}",
        tags=tags if isinstance(tags, dict) else dict.fromkeys(tags, 1.0),
        position=None if north_km is None else GeoPoint(HERE.lat + north_km * KM, HERE.lon),
        language=language,
        vector=angle(degrees),
    )


CATALOGUE = (
    item("e-far", 170, ["theme:Music", "city:Berlin"], north_km=40, language="fr"),
    item("b-near", 10, {"theme:Music": 0.5, "city:Berlin": 1.0}, north_km=1, language="de-AT"),
    item("d-side", 90, ["theme:Résistance", "city:Łódź"], north_km=5, language="den"),
    item("a-near", 10, {"theme:Music": 1.0, "city:Łódź": 0.5}, north_km=1, language="de"),
    item("c-mid", 45, {"theme:World War": 1.0, "city:Berlin": 0.25}, north_km=2, language="DE_ch"),
    item("ü-😀", 60, ["theme:Résistance"], north_km=3),
    item("nowhere", 30, ["theme:Music"]),
    item("bare", 120),
)
BY_ID = {one.id: one for one in CATALOGUE}
EAST = angle(0)


def ids(contents: Sequence[Content]) -> list[str]:
    return [one.id for one in contents]


def whole(contents: Iterable[Content]) -> list[tuple[dict[str, Any], list[float]]]:
    """Items in a form that can be compared: arrays of vectors cannot."""
    return [(one.as_record(), one.vector.tolist()) for one in contents]
