"""Small catalogues of any sort, filters, and what a search finds that looks at every item."""

from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from core.content import Content, ContentFilter, ContentRules
from core.geo import GeoPoint, distance_m
from core.tags import word_keys
from core.vectors import GridVector, to_grid

IDS = ("", "a", "B", "b", "ü", "é", "z9", "😀", "a b", "ab", "aa", "10", "9")
TAGS = ("theme:Music", "theme:MUSIC", "theme:War", "city:Łódź", "city:lodz", "city:Rome")
WORDS = ("opera", "open", "Ópera", "war", "warm", "a")
NAMES = ("g1", "g2")
LANGUAGES = ("de", "DE_at", "de-CH", "de-AT-1996", "d", "en", "den", "fr.", "", "-")
# Around the date line, the poles, and the border of a band of cells.
LATS = (-90.0, -89.995, -45.0, -0.005, 0.0, 0.01, 52.5, 89.99, 90.0)
LONS = (-180.0, -179.995, -90.0, -0.005, 0.0, 0.01, 179.99, 180.0)
RADII_M = (0.0, 1.0, 600.0, 1_200.0, 5_000.0, 3_000_000.0, 30_000_000.0)

weights = st.sampled_from((0.0, 0.25, 0.5, 1.0))
moments = st.none() | st.integers(0, 4)
points = st.builds(GeoPoint, st.sampled_from(LATS), st.sampled_from(LONS))
vectors = st.lists(st.integers(-2, 2), min_size=3, max_size=3).map(to_grid)
texts = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
rules = st.builds(
    ContentRules,
    hidden=st.booleans(),
    valid_from_ms=moments,
    valid_until_ms=moments,
    pinned=st.none() | st.integers(1, 3),
    together=st.none() | st.sampled_from(NAMES),
)
items = st.builds(
    Content,
    id=st.sampled_from(IDS),
    title=texts,
    text=texts,
    tags=st.dictionaries(st.sampled_from(TAGS), weights),
    position=st.none() | points,
    language=st.none() | st.sampled_from(LANGUAGES),
    popularity=st.sampled_from((0.0, 1.0, 2.5)),
    related=st.dictionaries(st.sampled_from(IDS), weights, max_size=3),
    rules=st.just(ContentRules()) | rules,
    vector=vectors,
)
catalogues = st.lists(items, max_size=len(IDS), unique_by=lambda one: one.id)
filters = st.builds(
    ContentFilter,
    tags=st.lists(st.sampled_from((*TAGS, "theme:none")), max_size=3).map(tuple),
    without=st.just(()) | st.lists(st.sampled_from((*TAGS, "theme:none")), max_size=2).map(tuple),
    language=st.none() | st.sampled_from((*LANGUAGES, "de-at", "fr-BE", "it")),
    near=st.none() | points,
    radius_m=st.none() | st.sampled_from(RADII_M),
    exclude=st.frozensets(st.sampled_from(IDS), max_size=3),
    now_ms=moments,
)

Worth = Callable[[Content], float | None]
"""None for an item that is not found at all."""


def best(contents: Sequence[Content], worth: Worth, limit: int, where: ContentFilter) -> list[str]:
    """What is worth most, ties by id."""
    valued = [(worth(one), one.id) for one in contents if where.allows(one)]
    ranked = sorted((-value, content_id) for value, content_id in valued if value is not None)
    return [content_id for _, content_id in ranked[:limit]]


def by_vector(vector: GridVector) -> Worth:
    """By closeness."""
    return lambda one: float(np.dot(one.vector, vector))


def by_tags(wanted: dict[str, float]) -> Worth:
    """By shared tags; `wanted` by tag key."""

    def worth(one: Content) -> float | None:
        return sum(wanted.get(key, 0.0) * weight for key, weight in one.keyed_tags) or None

    return worth


def by_relation(contents: Sequence[Content], sources: dict[str, float]) -> Worth:
    """By what the sources name."""

    def worth(one: Content) -> float | None:
        named = (sources.get(other.id, 0.0) * other.related.get(one.id, 0.0) for other in contents)
        return sum(named) or None

    return worth


def by_place(near: GeoPoint, radius_m: float) -> Worth:
    """By nearness."""

    def worth(one: Content) -> float | None:
        metres = np.inf if one.position is None else distance_m(near, one.position)
        return -metres if metres <= radius_m else None

    return worth


def has_words(one: Content, query: str) -> bool:
    """Whether the item has one of the words, the last of which may be unfinished."""
    *whole, last = word_keys(query) or [""]
    own = word_keys(f"{one.title} {one.text}")
    return bool(set(whole) & set(own)) or bool(last and any(word.startswith(last) for word in own))
