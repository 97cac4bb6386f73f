"""`ModelHistory`: what a visitor did, newest first, and what each event did to the model."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from core.events import AnswerValue, EventKind, ViewEnd

ListName = Literal["likes", "dislikes", "neutral", "unopened"]


class ItemState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An item in a model: its decayed strength, and where it stands.

    `rank` is its place among the likes or dislikes, 1 for the strongest;
    `count` the faded number of showings of what was never opened.
    """

    list: ListName
    strength: float
    rank: int | None = None
    count: float | None = None


class ItemChange(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an item; null where the model did not or does not know it."""

    content_id: str
    title: str | None
    before: ItemState | None
    after: ItemState | None


class WeightChange(msgspec.Struct, frozen=True, kw_only=True):
    """A tag's weight before and after; null where it was not or is not in the model."""

    tag: str
    before: float | None
    after: float | None


class TextChange(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about the visitor before and after."""

    name: str
    before: str | None
    after: str | None


class MomentChange(msgspec.Struct, frozen=True, kw_only=True):
    """When an item was last viewed, before and after. Units: Unix milliseconds."""

    content_id: str
    before: int | None
    after: int | None


class FigureChange(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of how the visitor reads, before and after."""

    name: str
    before: float | None
    after: float | None


class ModelChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one event did to the model. Applied in order to nothing, all of them give the model.

    An item changes with its strength, its list or its count; that others'
    strengths move its rank is no change of its own.
    """

    items: tuple[ItemChange, ...] = ()
    affinity: tuple[WeightChange, ...] = ()
    aversion: tuple[WeightChange, ...] = ()
    persona: tuple[TextChange, ...] = ()
    viewed: tuple[MomentChange, ...] = ()
    figures: tuple[FigureChange, ...] = ()


class HistoryEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event as the buffer keeps it. `changed_nothing` says so of the model.

    Units: Unix milliseconds, seconds.
    """

    time_ms: int
    kind: EventKind
    name: str = ""
    content_id: str | None = None
    title: str | None = None
    reason: ViewEnd | None = None
    dwell_seconds: float | None = None
    rating: float | None = None
    strength: float | None = None
    impressions: tuple[str, ...] = ()
    answers: Mapping[str, AnswerValue] = {}
    session_id: str | None = None
    request_id: str | None = None
    message_id: str
    change: ModelChange
    changed_nothing: bool


class ModelHistory(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a visitor's events, newest first.

    Both models of every change are built as of `at_ms` (Unix milliseconds), the
    same on all pages, so that fading is no part of it. `next_before` asks for
    the next page and is null on the last; `events` counts those of all pages.
    """

    user_id: str
    at_ms: int
    events: int
    page: tuple[HistoryEvent, ...]
    next_before: str | None
