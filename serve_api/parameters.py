"""Reads a request's query parameters into what the core understands."""

from math import isfinite

from starlette.datastructures import QueryParams

from core.geo import GeoPoint
from core.recommendation import RecommendRequest
from core.tags import is_tag
from serve_api.problems import BadParameterError

DEFAULT_LIMIT = 10
MAX_RADIUS_M = 20_040_000.0
"""Half the way around the earth."""
_TRUE = ("1", "true", "yes")
_FALSE = ("0", "false", "no")
_KNOWN = frozenset(
    ("user_id", "limit", "filter", "near", "radius_m", "include_content", "distractor")
)


def read_recommend(query: QueryParams, max_limit: int) -> RecommendRequest:
    """The request of `GET /api/recommend`.

    Raises: BadParameterError for the first parameter that cannot be used.
    """
    for name in query:
        if name not in _KNOWN:
            raise BadParameterError(name, query[name], f"one of {', '.join(sorted(_KNOWN))}")
    near = _near(query.get("near"))
    radius_m = _radius(query.get("radius_m"))
    if radius_m is not None and near is None:
        raise BadParameterError("radius_m", query["radius_m"], "given together with near")
    return RecommendRequest(
        user_id=read_user_id(query),
        limit=_limit(query.get("limit"), max_limit),
        tags=tuple(_tag(tag) for tag in query.getlist("filter")),
        near=near,
        radius_m=radius_m,
        distractor=_flag("distractor", query.get("distractor")),
        include_content=bool(_flag("include_content", query.get("include_content"))),
    )


def read_user_id(query: QueryParams) -> str:
    """The visitor. Raises: BadParameterError where there is none."""
    user_id = query.get("user_id", "").strip()
    if not user_id:
        raise BadParameterError("user_id", query.get("user_id"), "a visitor's id")
    return user_id


def _limit(text: str | None, max_limit: int) -> int:
    allowed = f"a whole number from 1 to {max_limit}"
    if text is None:
        return min(DEFAULT_LIMIT, max_limit)
    try:
        limit = int(text)
    except ValueError:
        raise BadParameterError("limit", text, allowed) from None
    if not 1 <= limit <= max_limit:
        raise BadParameterError("limit", text, allowed)
    return limit


def _tag(text: str) -> str:
    if not is_tag(text):
        raise BadParameterError("filter", text, "a tag of the form facet:label")
    return text


def _near(text: str | None) -> GeoPoint | None:
    if text is None:
        return None
    allowed = "lat,lon in degrees, such as 52.5163,13.3777"
    try:
        lat, lon = map(float, text.split(","))
    except ValueError:
        raise BadParameterError("near", text, allowed) from None
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - degrees
        raise BadParameterError("near", text, allowed)
    return GeoPoint(lat, lon)


def _radius(text: str | None) -> float | None:
    if text is None:
        return None
    allowed = f"metres above 0, at most {MAX_RADIUS_M:.0f}"
    try:
        radius_m = float(text)
    except ValueError:
        raise BadParameterError("radius_m", text, allowed) from None
    if not isfinite(radius_m) or not 0 < radius_m <= MAX_RADIUS_M:
        raise BadParameterError("radius_m", text, allowed)
    return radius_m


def _flag(name: str, text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise BadParameterError(name, text, "1 or 0")
