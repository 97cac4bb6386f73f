"""What a search may return, in Qdrant's filter language."""

from collections.abc import Iterable, Sequence

from qdrant_client import models

from adapters.qdrant.payload import point_id
from core.content import ContentFilter
from core.geo import GeoPoint
from core.languages import language_key, language_prefixes
from core.tags import choices_by_facet, tag_key

_WIDER, _WIDER_M = 1.001, 1.0
"""Qdrant's earth may be another: what lies at the border is decided here."""


def filter_of(
    where: ContentFilter,
    *conditions: models.Condition,
    at_least: tuple[int, Sequence[models.Condition]] | None = None,
) -> models.Filter:
    """All restrictions of `where`, and further conditions; of `at_least` that many.

    A place at the border of a radius may pass, and an item of any language that
    was written without keys of it; `where.allows` does not let them.
    """
    must = [*conditions, *_tags(where), *_language(where.language), *_validity(where.now_ms)]
    if where.near is not None and where.radius_m is not None:
        must.append(around(where.near, where.radius_m))
    must_not: list[models.Condition] = [_is("hidden", value=True)]
    if where.without:
        must_not.append(any_of("tag_keys", set(map(tag_key, where.without))))
    if where.exclude:
        ids: list[models.ExtendedPointId] = [point_id(one) for one in sorted(where.exclude)]
        must_not.append(models.HasIdCondition(has_id=ids))
    some = None
    if at_least is not None:
        some = models.MinShould(min_count=at_least[0], conditions=list(at_least[1]))
    return models.Filter(must=must, must_not=must_not, min_should=some)


def around(near: GeoPoint, radius_m: float) -> models.FieldCondition:
    """Within the radius, and a little farther."""
    centre = models.GeoPoint(lat=near.lat, lon=near.lon)
    radius = models.GeoRadius(center=centre, radius=radius_m * _WIDER + _WIDER_M)
    return models.FieldCondition(key="location", geo_radius=radius)


def any_of(key: str, values: Iterable[str]) -> models.FieldCondition:
    """Having one of the values in a field."""
    return models.FieldCondition(key=key, match=models.MatchAny(any=sorted(values)))


def in_range(key: str, **bounds: float) -> models.FieldCondition:
    """A number of a field, `gt`, `gte`, `lt` or `lte` something."""
    return models.FieldCondition(key=key, range=models.Range(**bounds))


def has_word(word: str) -> models.Filter:
    """A word of the text, or the beginning of one of the title."""
    text = models.MatchText(text=word)
    fields = (models.FieldCondition(key=key, match=text) for key in ("title", "text"))
    return models.Filter(should=list(fields))


def _is(key: str, *, value: bool) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


def _tags(where: ContentFilter) -> Iterable[models.Condition]:
    return (any_of("tag_keys", choices) for choices in choices_by_facet(where.tags).values())


def _language(wanted: str | None) -> Iterable[models.Condition]:
    """Stating none, or what is a part of the wanted one or the other way round."""
    key = language_key(wanted)
    if not key:
        return ()
    meeting = any_of("language_keys", [*language_prefixes(key), f"{key}-"])
    return [models.Filter(should=[_unset("language_keys"), meeting])]


def _validity(now_ms: int | None) -> Iterable[models.Condition]:
    if now_ms is None:
        return ()
    bounds = {
        "valid_from_ms": in_range("valid_from_ms", lte=now_ms),
        "valid_until_ms": in_range("valid_until_ms", gt=now_ms),
    }
    return [models.Filter(should=[_unset(key), condition]) for key, condition in bounds.items()]


def _unset(key: str) -> models.IsEmptyCondition:
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=key))
