"""`Content`: one item of the catalogue, its curators' rules, and what a search obeys."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from core.geo import GeoPoint, distance_m
from core.languages import language_key, languages_meet
from core.tags import choices_by_facet, tag_key
from core.vectors import GridVector

NOT_EMBEDDED: GridVector = np.zeros(0, dtype=np.float32)


class ContentRules(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What curators say about showing an item; it holds in every answer.

    `pinned` is the rank that the item takes, 1 for the first. Of the items that
    share a name in `apart` a list shows one at most; those that share `together`
    stand side by side in a list or not at all.

    Units: Unix milliseconds; `valid_until_ms` is the first moment it is not valid.
    """

    hidden: bool = False
    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    pinned: int | None = None
    apart: tuple[str, ...] = ()
    together: str | None = None

    def shows_at(self, now_ms: int | None) -> bool:
        """Whether the item may be shown at that moment; None asks for none in particular."""
        if self.hidden:
            return False
        if now_ms is None:
            return True
        begun = self.valid_from_ms is None or self.valid_from_ms <= now_ms
        return begun and (self.valid_until_ms is None or now_ms < self.valid_until_ms)


NO_RULES = ContentRules()


class ShownContent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item, without what only the ranking needs. What it has not is left out.

    Units: `lat` and `lon` degrees. `tags` are `facet:label`, `language` as BCP 47.
    """

    id: str
    title: str
    text: str
    tags: tuple[str, ...]
    lat: float | None = None
    lon: float | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    language: str | None = None


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One story, image, exhibition or place that can be recommended.

    Shape: `vector` (dim,), on the grid of `core.vectors`, empty where the item
        was read without it; `tags` from `facet:label` to a weight in [0, 1];
        `related` from the id of an item to read next to a weight in [0, 1].
    """

    id: str
    title: str
    text: str = ""
    tags: Mapping[str, float] = {}
    position: GeoPoint | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    language: str | None = None
    popularity: float = 0.0
    """How often it is read, in whichever unit the catalogue counts; only the order matters."""
    related: Mapping[str, float] = {}
    rules: ContentRules = NO_RULES
    vector: GridVector = NOT_EMBEDDED
    words: int = 0
    """Number of words of the text, derived from it; 0 means unknown."""
    keyed_tags: tuple[tuple[str, float], ...] = ()
    """The tags in comparable form with their weights, derived from `tags`."""

    def __post_init__(self) -> None:
        """Derive once what every ranking and every model asks for."""
        keyed = tuple((tag_key(tag), weight) for tag, weight in self.tags.items())
        msgspec.structs.force_setattr(self, "keyed_tags", keyed)
        msgspec.structs.force_setattr(self, "words", len(self.text.split()))

    def shown(self) -> ShownContent:
        """The item as an API answers it."""
        place = self.position
        return ShownContent(
            id=self.id,
            title=self.title,
            text=self.text,
            tags=tuple(self.tags),
            lat=None if place is None else place.lat,
            lon=None if place is None else place.lon,
            image=self.image,
            place=self.place,
            date=self.date,
            language=self.language,
        )

    def as_record(self) -> dict[str, Any]:
        """Everything but the vector, as JSON values: what is stored, and what a change is."""
        record: dict[str, Any] = msgspec.to_builtins(self.shown())
        record["tags"] = dict(self.tags)
        if self.popularity:
            record["popularity"] = self.popularity
        if self.related:
            record["related"] = dict(self.related)
        rules: dict[str, Any] = msgspec.to_builtins(self.rules)
        return record | rules

    def digest(self) -> str:
        """Changes with anything but the vector. Shape: 24 hex digits."""
        shown = msgspec.json.encode(self.as_record(), order="deterministic")
        return hashlib.blake2b(shown, digest_size=12).hexdigest()

    def embedded_text(self) -> str:
        """What an embedder reads: the title twice, for it says most in few words, text, labels."""
        labels = " ".join(tag.partition(":")[2] for tag in self.tags)
        return f"{self.title} {self.title} {self.text} {labels}"


class ContentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a search may return: nothing outside ever leaks into an answer.

    `tags` of different facets combine with AND, of one facet with OR; no item
    has a tag of `without`. An item of another `language` is outside; one that
    states none is inside, and so is `de-AT` where `de` is wanted, and the other
    way round. `exclude` holds content ids. `radius_m` is in metres around `near`. Hidden
    items never pass, and at `now_ms` (Unix milliseconds) only valid ones do.
    """

    tags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    language: str | None = None
    near: GeoPoint | None = None
    radius_m: float | None = None
    exclude: frozenset[str] = frozenset()
    now_ms: int | None = None

    def allows(self, content: Content) -> bool:
        """Whether `content` lies inside every restriction."""
        if content.id in self.exclude or not content.rules.shows_at(self.now_ms):
            return False
        spoken = languages_meet(language_key(content.language), language_key(self.language))
        return spoken and self._inside_tags(content) and self._inside_radius(content)

    def _inside_tags(self, content: Content) -> bool:
        if not (self.tags or self.without):
            return True
        owned = {key for key, _ in content.keyed_tags}
        having = all(owned & choices for choices in choices_by_facet(self.tags).values())
        return having and owned.isdisjoint(map(tag_key, self.without))

    def _inside_radius(self, content: Content) -> bool:
        if self.near is None or self.radius_m is None:
            return True
        if content.position is None:
            return False
        return distance_m(self.near, content.position) <= self.radius_m
