"""The event plan: which of an app's events mean what, as data instead of code.

A plan is a file (TOML) of these structs. A path such as
`properties.products.product_id` is followed into every element of a list it
meets; of several paths the first that finds something wins.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.config import Share, Signed
from core.events import ViewEnd

Mapped = Literal["view_started", "view_ended", "search", "survey", "interaction", "other"]
Path = Annotated[str, Meta(pattern=r"^[^.]+(\.[^.]+)*$")]
Paths = tuple[Path, ...]


class PlanPaths(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the parts of an event are found.

    Empty means nowhere; in the paths of a single event, as the plan says.
    """

    content: Paths = ()
    session: Paths = ()
    request: Paths = ()
    impressions: Paths = ()
    reason: Paths = ()
    dwell_seconds: Paths = ()
    rating: Paths = ()
    answers: Paths = ()


class PlanEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one track event becomes.

    `strength` lets the event itself decide: a positive one raises the
    engagement to at least that, a negative one lowers it.
    """

    name: str
    becomes: Mapped
    strength: Signed | None = None
    reason: ViewEnd | None = None
    paths: PlanPaths = PlanPaths()


class PersonaRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a trait or a survey answer names a tag that the visitor cares for.

    The answer becomes `facet:answer`, or what `labels` or `up_to` (upper
    bounds for a number, in rising order) turn it into; with `tag_outright` an
    answer that is itself a `facet:label` is taken as it is.
    """

    key: str
    facet: str
    weight: Share
    tag_outright: bool = False
    labels: Mapping[str, str] = {}
    up_to: tuple[tuple[float, str], ...] = ()
    demographic: str | None = None


class ConsentRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an event says that its visitor does not want to be personalized for.

    `categories` are ids of RudderStack's consent categories: one that was denied
    forbids. `must_be_allowed`: so does a list of allowed ones without any of
    them. `traits` from a trait's name to the values that forbid, in any case.
    """

    categories: frozenset[str] = frozenset()
    must_be_allowed: bool = False
    traits: Mapping[str, frozenset[str]] = {}

    def __post_init__(self) -> None:
        """Compare without regard to case."""
        folded = frozenset(one.strip().casefold() for one in self.categories)
        msgspec.structs.force_setattr(self, "categories", folded)
        traits = {
            name: frozenset(one.strip().casefold() for one in values)
            for name, values in self.traits.items()
        }
        msgspec.structs.force_setattr(self, "traits", traits)


class EventPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One app's events. Names are matched exactly."""

    name: str
    id_prefixes: tuple[str, ...] = ()
    id_fields: tuple[str, ...] = ("content_id", "id")
    answer_prefixes: tuple[str, ...] = ()
    reasons: Mapping[str, ViewEnd] = {}
    paths: PlanPaths = PlanPaths()
    events: tuple[PlanEvent, ...] = ()
    persona: tuple[PersonaRule, ...] = ()
    consent: ConsentRule = ConsentRule()
