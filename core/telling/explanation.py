"""`ModelExplanation`: a visitor's model with what every number of it comes from."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from core.events import ViewEnd
from core.modelling.engagement import Decider
from core.modelling.persona import NamedTag
from core.signals import Behavior, SignalsWindow

ComponentName = Literal["dwell_ratio", "completion", "revisit", "survey"]
GivenBy = Literal["item", "shown", "answer"]
"""A liked or disliked item, one that was shown and never opened, or what was said of oneself."""


class TagGift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one thing gave to a tag: `strength` times `tag_weight`, the tag's weight there.

    `strength` is the item's decayed one without its sign, 1 for an answer;
    `answers` names the questions and traits whose answer it was.
    """

    by: GivenBy
    content_id: str | None = None
    title: str | None = None
    answers: tuple[str, ...] = ()
    strength: float
    tag_weight: float
    given: float


class TagExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of the model. `weight` is `total` divided by `scale`, to three digits.

    `total` is the sum of what was given, in this order. Where the evidence is
    gone, or does not give this tag any more, `gifts` is empty and the rest null.
    """

    tag: str
    weight: float
    gifts: tuple[TagGift, ...] = ()
    total: float | None = None
    scale: float | None = None


class ComponentExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A component of an engagement. What was not observed has no value and contributes 0."""

    name: ComponentName
    observed: bool
    value: float | None
    weight: float
    contribution: float


class ItemEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """How an item came to its strength.

    The components add up to `suggested`; that is the `strength` unless
    `decided_by` names what else decided: an event that the plan gives a
    strength, the latest rating, or the bounds of -1 and 1. `strength` times
    `decay` is what the model holds, to four digits.

    Units: `last_ms` Unix milliseconds, `dwell_seconds` seconds, of the deepest visit.
    """

    strength: float
    suggested: float
    decided_by: Decider
    components: tuple[ComponentExplanation, ...]
    visits: int
    returns: int
    dwell_seconds: float | None
    reading_seconds: float
    ended: ViewEnd | None
    rating: float | None
    event_strength: float | None
    last_ms: int
    age_days: float
    decay: float


class ItemExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A liked or disliked item. `decayed` is its strength in the model.

    `evidence` is null where the events are gone or say otherwise by now.
    """

    content_id: str
    title: str | None
    decayed: float
    evidence: ItemEvidence | None = None


class UnopenedExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was shown and never opened: a soft negative of the item alone.

    `count` is the number of showings, each faded by its age. Units: Unix milliseconds.
    """

    content_id: str
    title: str | None
    count: float
    strength: float
    last_shown_ms: int | None = None


class StyleSentence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is said of how somebody reads, and the figure that it is said from."""

    says: str
    figure: str
    value: float


class EngagementStyle(msgspec.Struct, frozen=True, kw_only=True):
    """How the visitor reads, in words, with all the figures."""

    sentences: tuple[StyleSentence, ...]
    figures: Behavior


class PersonaExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """Who the visitor said they are, and the tags that their answers named."""

    demographics: Mapping[str, str]
    named: tuple[NamedTag, ...]


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which model it is. `..._now` are the versions that answers are made with now.

    Units: Unix milliseconds, `age_ms` milliseconds.
    """

    revision: int
    built_at_ms: int
    age_ms: int
    config_version: str
    config_version_now: str
    catalogue_version: str
    catalogue_version_now: str


class ModelExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """A stored model with its evidence: the events of its window, read again at `built_at_ms`.

    `matches_model` says whether they give the stored model anew, number for
    number; `differs` names the parts that they do not. `newer_events` are
    buffered but not in the model yet.
    """

    user_id: str
    matches_model: bool
    differs: tuple[str, ...]
    newer_events: int
    model: ModelFacts
    window: SignalsWindow
    style: EngagementStyle
    interests: tuple[TagExplanation, ...]
    aversions: tuple[TagExplanation, ...]
    likes: tuple[ItemExplanation, ...]
    dislikes: tuple[ItemExplanation, ...]
    unopened: tuple[UnopenedExplanation, ...]
    persona: PersonaExplanation
