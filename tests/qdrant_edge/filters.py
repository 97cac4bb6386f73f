"""The filter language: from the client's models to the engine's."""

from __future__ import annotations  # some of the engine's types are in its stubs alone

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import qdrant_edge as edge
from qdrant_client import models

from tests.qdrant_edge.errors import not_spoken


def filter_of(wanted: models.Filter | None) -> edge.Filter | None:
    """A whole filter; None filters nothing."""
    if wanted is None:
        return None
    return edge.Filter(
        must=_conditions(wanted.must),
        should=_conditions(wanted.should),
        must_not=_conditions(wanted.must_not),
        min_should=None if wanted.min_should is None else _some(wanted.min_should),
    )


def geo_point(point: models.GeoPoint) -> edge.GeoPoint:
    """A position."""
    return edge.GeoPoint(lon=point.lon, lat=point.lat)


def _some(wanted: models.MinShould) -> edge.MinShould:
    return edge.MinShould([_condition(one) for one in wanted.conditions], wanted.min_count)


def _conditions(
    wanted: Sequence[models.Condition] | models.Condition | None,
) -> list[edge.ConditionType] | None:
    if wanted is None:
        return None
    listed = wanted if isinstance(wanted, list) else [wanted]
    return [_condition(cast("models.Condition", one)) for one in listed]


def _condition(wanted: models.Condition) -> edge.ConditionType:
    match wanted:
        case models.FieldCondition():
            return _field(wanted)
        case models.HasIdCondition():
            return edge.HasIdCondition({_id(one) for one in wanted.has_id})
        case models.IsEmptyCondition():
            return edge.IsEmptyCondition(wanted.is_empty.key)
        case models.IsNullCondition():
            return edge.IsNullCondition(wanted.is_null.key)
        case models.HasVectorCondition():
            return edge.HasVectorCondition(wanted.has_vector)
        case models.Filter():
            return cast("edge.Filter", filter_of(wanted))
    raise not_spoken(type(wanted).__name__)


def _id(wanted: models.ExtendedPointId) -> edge.PointId:
    return wanted if isinstance(wanted, int) else str(wanted)


def _field(wanted: models.FieldCondition) -> edge.FieldCondition:
    for name in ("geo_bounding_box", "geo_polygon", "values_count"):
        if getattr(wanted, name) is not None:
            raise not_spoken(name)
    return edge.FieldCondition(
        wanted.key,
        match=None if wanted.match is None else _match(wanted.match),
        range=None if wanted.range is None else _range(wanted.range),
        geo_radius=None if wanted.geo_radius is None else _radius(wanted.geo_radius),
        is_empty=wanted.is_empty,
        is_null=wanted.is_null,
    )


def _match(wanted: models.Match) -> edge.MatchType:
    match wanted:
        case models.MatchValue():
            return edge.MatchValue(_value(wanted.value))
        case models.MatchAny():
            return edge.MatchAny(wanted.any)
        case models.MatchExcept():
            return edge.MatchExcept(wanted.except_)
        case models.MatchText():
            return edge.MatchText(wanted.text)
        case models.MatchTextAny():
            return edge.MatchTextAny(wanted.text_any)
        case models.MatchPhrase():
            return edge.MatchPhrase(wanted.phrase)
    raise not_spoken(type(wanted).__name__)


def _value(wanted: models.ValueVariants) -> models.ValueVariants:
    """The engine's binding tries int first and takes True for 1; numpy's True is no int."""
    return cast("bool", np.bool_(wanted)) if isinstance(wanted, bool) else wanted


def _range(wanted: Any) -> edge.RangeFloat:
    if not isinstance(wanted, models.Range):
        raise not_spoken(type(wanted).__name__)
    return edge.RangeFloat(gte=wanted.gte, gt=wanted.gt, lte=wanted.lte, lt=wanted.lt)


def _radius(wanted: models.GeoRadius) -> edge.GeoRadius:
    return edge.GeoRadius(geo_point(wanted.center), wanted.radius)
