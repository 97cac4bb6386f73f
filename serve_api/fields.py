"""The types of the parameters that several operations share."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import Meta

from core.geo import GeoPoint
from core.http.allowed import ALLOWED
from core.http.problems import BadParameterError

MAX_RADIUS_M = 20_040_000.0
"""Half the way around the earth."""
_MAX_MS = 253_402_300_799_999
"""The end of the year 9999."""
_MAX_SEED = 2**53 - 1
"""The largest whole number that JavaScript holds exactly."""
_MAX_QUERY = 200
_NOT = "!"
_LAT = r"[+-]?(?:90(?:\.0*)?|[1-8]?[0-9](?:\.[0-9]*)?)"
_LON = r"[+-]?(?:180(?:\.0*)?|(?:1[0-7][0-9]|[1-9]?[0-9])(?:\.[0-9]*)?)"

S = TypeVar("S", bound=msgspec.Struct)

_MAX_TAG_CHARS = 200
"""Comparable forms of tags are remembered, so whoever asks must not choose their length."""
_MAX_ID_CHARS = 512
"""As long as an event's ids may be, where nothing else is set."""
_MAX_VALUES = 100
"""Each is looked up or compared with every item."""
UserId = Annotated[
    str,
    Meta(
        pattern=r"\S",
        max_length=_MAX_ID_CHARS,
        description="The visitor; a stranger gets a full, diverse list.",
        examples=["ada"],
        extra={ALLOWED: f"a visitor's id of at most {_MAX_ID_CHARS} characters"},
    ),
]
ContentId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_MAX_ID_CHARS,
        description="An item's id.",
        examples=["brundibar-terezin"],
    ),
]
Limit = Annotated[int, Meta(ge=1, description="Most items of the answer.", examples=[5])]
Tag = Annotated[
    str,
    Meta(
        pattern=rf"^{_NOT}?[^{_NOT}:][^:]*:[\s\S]",
        max_length=_MAX_TAG_CHARS,
        extra={ALLOWED: "a tag of the form facet:label, or !facet:label for items without it"},
    ),
]
Tags = Annotated[
    tuple[Tag, ...],
    Meta(
        max_length=_MAX_VALUES,
        description="Only items with this tag, or with `!` before it only items without it; "
        "repeatable. Of one facet either, of several facets all, and none of those with `!`; "
        "case, accents and separators do not matter.",
    ),
]
Language = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*$",
        description="Only items in this language (BCP 47), and those that state none. `de` is "
        "`de-AT` too, and `de-AT` is `de` but not `de-CH`; case does not matter.",
        extra={ALLOWED: "a language such as de or pt-BR"},
    ),
]
Near = Annotated[
    str,
    Meta(
        pattern=f"^{_LAT},{_LON}$",
        description="Where the visitor is: items close by are preferred.",
        extra={ALLOWED: "lat,lon in degrees, such as 52.5163,13.3777"},
    ),
]
Around = Annotated[
    str,
    Meta(
        pattern=f"^{_LAT},{_LON}$",
        description="The middle of the circle of `radius_m`; by itself it changes nothing.",
        extra={ALLOWED: "lat,lon in degrees, such as 52.5163,13.3777"},
    ),
]
RadiusM = Annotated[
    float,
    Meta(
        gt=0,
        le=MAX_RADIUS_M,
        description="Metres around `near`; nothing farther is shown.",
    ),
]
Exclude = Annotated[
    tuple[ContentId, ...],
    Meta(
        max_length=_MAX_VALUES,
        description="Ids of items that are not to be shown; repeatable.",
    ),
]
Session = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_MAX_ID_CHARS,
        description="Id of the item that the visitor has just viewed, for more like it; an "
        "unknown one has no part.",
    ),
]
SearchedText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_MAX_QUERY,
        description="The words; the last may be unfinished.",
        examples=["opera"],
        extra={ALLOWED: f"a text of 1 to {_MAX_QUERY} characters"},
    ),
]
Seed = Annotated[
    int,
    Meta(
        ge=0,
        le=_MAX_SEED,
        description="Decides every draw of the answer; the answer says which one it was.",
    ),
]
At = (
    Annotated[
        int,
        Meta(
            ge=0,
            le=_MAX_MS,
            description="The moment of the answer, instead of now: Unix milliseconds, or a time "
            "with its zone.",
        ),
    ]
    | Annotated[datetime, Meta(tz=True)]
)
Distractor = Annotated[
    bool, Meta(description="Whether one deliberately off-profile item stands at rank 3 or 4.")
]
IncludeContent = Annotated[
    bool, Meta(description="Adds title, text, tags and place of every item.", examples=[True])
]
Explain = Annotated[
    bool,
    Meta(
        description="Adds to every item why it is there: in a sentence, and to the last digit.",
        examples=[True],
    ),
]


def tags_of(filter_: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The values of `filter`, apart: the tags that are wanted, and those that are not."""
    values = tuple(filter_)
    wanted = tuple(value for value in values if not value.startswith(_NOT))
    unwanted = tuple(value.removeprefix(_NOT) for value in values if value.startswith(_NOT))
    return wanted, unwanted


def point_of(near: str | None, radius_m: float | None) -> GeoPoint | None:
    """The position. Raises: BadParameterError for a radius around nothing."""
    if near is not None:
        lat, lon = map(float, near.split(","))
        return GeoPoint(lat, lon)
    if radius_m is not None:
        raise BadParameterError("radius_m", radius_m, "given together with near")
    return None


def milliseconds_of(at: int | datetime | None) -> int | None:
    """A moment in Unix milliseconds."""
    if isinstance(at, datetime):
        return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return at


def at_most(kind: type[S], name: str, most: int) -> type[S]:
    """The same parameters, of which one (a whole number) is bounded by a setting."""
    return _bounded(kind, name, Meta(le=most), lambda default: min(default, most))


def no_longer_than(kind: type[S], name: str, most: int) -> type[S]:
    """The same parameters, of which one (a list) is bounded by a setting."""
    return _bounded(kind, name, Meta(max_length=most), lambda default: default[:most])


def _bounded(kind: type[S], name: str, bound: Meta, fit: Callable[[Any], Any]) -> type[S]:
    [field] = [one for one in msgspec.structs.fields(kind) if one.name == name]
    bounded: Any = Annotated[field.type, bound]
    redefined = (name, bounded) if field.required else (name, bounded, fit(field.default))
    made: Any = msgspec.defstruct(
        kind.__name__,
        [redefined],
        bases=(kind,),
        namespace={"__doc__": kind.__doc__},
        frozen=True,
        kw_only=True,
    )
    return cast("type[S]", made)
