"""`Content`: one item of the catalogue, and the restrictions a search obeys."""

from collections.abc import Mapping
from typing import Any

import msgspec

from core.geo import GeoPoint, distance_m
from core.tags import choices_by_facet, tag_key
from core.vectors import GridVector


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One story, image, exhibition or place that can be recommended.

    Shape: `vector` (dim,), on the grid of `core.vectors`; `tags` from
        `facet:label` to a weight in [0, 1].
    """

    id: str
    title: str
    text: str = ""
    tags: Mapping[str, float] = {}
    position: GeoPoint | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    vector: GridVector
    words: int = 0
    """Number of words of the text, derived from it; 0 means unknown."""
    keyed_tags: tuple[tuple[str, float], ...] = ()
    """The tags in comparable form with their weights, derived from `tags`."""

    def __post_init__(self) -> None:
        """Derive once what every ranking and every model asks for."""
        keyed = tuple((tag_key(tag), weight) for tag, weight in self.tags.items())
        msgspec.structs.force_setattr(self, "keyed_tags", keyed)
        msgspec.structs.force_setattr(self, "words", len(self.text.split()))

    def as_json(self) -> dict[str, Any]:
        """The item as an API answers it: everything but the vector."""
        shown: dict[str, Any] = {
            "id": self.id,
            "title": self.title,
            "text": self.text,
            "tags": list(self.tags),
        }
        if self.position is not None:
            shown |= {"lat": self.position.lat, "lon": self.position.lon}
        optional = {"image": self.image, "place": self.place, "date": self.date}
        return shown | {name: value for name, value in optional.items() if value is not None}


class ContentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a search may return: nothing outside ever leaks into an answer.

    `tags` of different facets combine with AND, of one facet with OR.
    `exclude` holds content ids. `radius_m` is in metres around `near`.
    """

    tags: tuple[str, ...] = ()
    near: GeoPoint | None = None
    radius_m: float | None = None
    exclude: frozenset[str] = frozenset()

    def allows(self, content: Content) -> bool:
        """Whether `content` lies inside every restriction."""
        if content.id in self.exclude:
            return False
        return self._inside_tags(content) and self._inside_radius(content)

    def _inside_tags(self, content: Content) -> bool:
        if not self.tags:
            return True
        owned = {key for key, _ in content.keyed_tags}
        return all(owned & choices for choices in choices_by_facet(self.tags).values())

    def _inside_radius(self, content: Content) -> bool:
        if self.near is None or self.radius_m is None:
            return True
        if content.position is None:
            return False
        return distance_m(self.near, content.position) <= self.radius_m
