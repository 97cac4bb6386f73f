"""20,000 items with many ties, and what a search of them by brute force finds."""

from collections.abc import Callable
from functools import cache

import numpy as np

from core.content import Content, ContentFilter, ContentRules
from core.geo import GeoPoint, distance_m
from core.vectors import GridVector, to_grid
from tests.contract.content.catalogue import HERE, KM

ITEMS = 20_000
DIM = 16
_WEIGHTS = (1.0, 0.5, 0.25)
_SHAPES = 2_000
"""Different vectors: ten items share each."""

Worth = Callable[[Content], float | None]
"""None for an item that a search does not find at all."""


@cache
def large_catalogue() -> tuple[Content, ...]:
    """The same in every run."""
    random = np.random.default_rng(5)
    shapes = [to_grid(row) for row in random.normal(size=(_SHAPES, DIM))]
    return tuple(_item(number, shapes, random) for number in range(ITEMS))


def brute_force(worth: Worth, limit: int, where: ContentFilter) -> list[str]:
    """The best, ties by id."""
    valued = [(worth(one), one.id) for one in large_catalogue() if where.allows(one)]
    found = sorted((-value, content_id) for value, content_id in valued if value is not None)
    return [content_id for _, content_id in found[:limit]]


def closeness(vector: GridVector) -> Worth:
    """Of a vector."""
    return lambda one: float(one.vector @ vector)


def shared_tags(tags: dict[str, float]) -> Worth:
    """Of tags in comparable form."""

    def worth(one: Content) -> float | None:
        value = sum(tags.get(key, 0.0) * weight for key, weight in one.keyed_tags)
        return value or None

    return worth


def nearness(near: GeoPoint, radius_m: float) -> Worth:
    """Of a place."""

    def worth(one: Content) -> float | None:
        away = np.inf if one.position is None else distance_m(near, one.position)
        return None if away > radius_m else -away

    return worth


def popularity(one: Content) -> float | None:
    """Of an item."""
    return one.popularity or None


def _item(number: int, shapes: list[GridVector], random: np.random.Generator) -> Content:
    themes = random.choice(60, size=3, replace=False)
    tags = {f"theme:Thema {theme}": _WEIGHTS[theme % 3] for theme in themes.tolist()}
    north, east = (random.integers(-400, 400, size=2) / 10).tolist()
    return Content(
        id=f"i-{random.permutation(10)[0]}-{number:05}",
        title=f"Title {number % 500}",
        tags=tags | {f"city:City {number % 7}": 1.0},
        position=None
        if number % 11 == 0
        else GeoPoint(HERE.lat + north * KM, HERE.lon + east * KM),
        language=("de", "de-AT", "en", None, "fr")[number // _SHAPES % 5],
        popularity=float(number % 50),
        rules=ContentRules(hidden=number % 13 == 0),
        vector=shapes[number % _SHAPES],
    )
