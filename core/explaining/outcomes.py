"""What `why` answers: a closed set of reasons that an item is in a list, or is not."""

from typing import Literal, TypedDict

import msgspec

from core.explanation import MmrStep, ScorerPart
from core.recommendation import RecommendedItem

RuleName = Literal["apart", "together", "facet_cap"]
Parameter = Literal["filter", "language"]
Measure = Literal[
    "cosine", "tag_overlap", "metres", "relation", "popularity", "others", "likes", "draw"
]


class Asked(TypedDict):
    """What every outcome repeats."""

    request_id: str
    user_id: str
    content_id: str


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="outcome"):
    """What all outcomes say. `request_id` is that of the list, explained."""

    request_id: str
    user_id: str
    content_id: str
    sentence: str


class Listed(Found, frozen=True, kw_only=True, omit_defaults=True, tag="listed"):
    """It is in the list."""

    rank: int
    item: RecommendedItem


class Hidden(Found, frozen=True, kw_only=True, omit_defaults=True, tag="hidden"):
    """Curators hide it."""


class NotValidNow(Found, frozen=True, kw_only=True, omit_defaults=True, tag="not_valid_now"):
    """Its time has not come, or is over. Units: Unix milliseconds."""

    at_ms: int
    valid_from_ms: int | None = None
    valid_until_ms: int | None = None


class Excluded(Found, frozen=True, kw_only=True, omit_defaults=True, tag="excluded"):
    """The request names it, as not to be shown or as just viewed."""

    parameter: Literal["exclude", "session"]


class Filtered(Found, frozen=True, kw_only=True, omit_defaults=True, tag="filtered"):
    """It is outside of a filter. `wanted` are the tags of one facet of which it has none.

    `unwanted` are tags that it has and must not have.
    """

    parameter: Parameter
    wanted: tuple[str, ...] = ()
    unwanted: tuple[str, ...] = ()
    language: str | None = None


class TooFar(Found, frozen=True, kw_only=True, omit_defaults=True, tag="too_far"):
    """It is outside of the radius, or nowhere. Units: metres."""

    radius_m: float
    distance_m: float | None = None


class Seen(Found, frozen=True, kw_only=True, omit_defaults=True, tag="seen"):
    """It was seen, and the list is filled without it. Units: Unix milliseconds."""

    viewed_ms: int


class Ruled(Found, frozen=True, kw_only=True, omit_defaults=True, tag="rule"):
    """Its turn came, and a rule of the curators kept it out.

    `name` is that of the rule: a name of `apart`, a group, or a label that is
    capped. `content_ids` are the items that the rule holds it against: those in
    the list, or of a group those that cannot be shown.
    """

    rule: RuleName
    name: str
    content_ids: tuple[str, ...] = ()
    most: int | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One scorer's contribution, to this item and to the last one of the list.

    Units: whole millionths; the differences add up to that of the scores.
    """

    name: str
    contribution: float
    last: float
    difference: float


class Comparison(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Against the last item that is in the list for its score.

    `behind_by` is what is missing to its score, below 0 where there is more and
    likeness to others decided. `differences` have those first that speak most
    against this item. `mmr` is missing where MMR had no part.
    """

    last_content_id: str
    last_rank: int
    last_score: float
    behind_by: float
    differences: tuple[Difference, ...]
    mmr: MmrStep | None = None
    last_mmr: MmrStep | None = None


class Outscored(Found, frozen=True, kw_only=True, omit_defaults=True, tag="outscored"):
    """The list was full before its turn came.

    `position` is its place by score alone, among so many `candidates`.
    `compared` is missing where no item is in the list for its score.
    """

    score: float
    position: int
    candidates: int
    scorers: tuple[ScorerPart, ...]
    compared: Comparison | None = None


class Nearness(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How near the item came to being brought by a generator.

    `value` is the item's, `last_value` that of the last item that was brought,
    out of `brought`. Metres are better when they are fewer, all others when they
    are more. `missed`: it was near enough, and the approximate search did not find it.
    """

    generator: str
    measure: Measure
    brought: int
    value: float | None = None
    last_value: float | None = None
    missed: bool = False


class NotACandidate(Found, frozen=True, kw_only=True, omit_defaults=True, tag="not_a_candidate"):
    """No generator brought it. `score` and `position` are what it would have had."""

    generators: tuple[Nearness, ...]
    score: float
    position: int
    candidates: int
    scorers: tuple[ScorerPart, ...]
    compared: Comparison | None = None


Outcome = (
    Listed
    | Hidden
    | NotValidNow
    | Excluded
    | Filtered
    | TooFar
    | Seen
    | Ruled
    | Outscored
    | NotACandidate
)
