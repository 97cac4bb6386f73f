"""How strongly a visitor engaged with one item, from everything seen of it."""

from collections.abc import Iterable, Sequence
from math import exp, inf
from typing import Literal

import msgspec

from core.config import EngagementConfig
from core.content import Content
from core.events import InteractionEvent, ViewEnd
from core.modelling.visits import Visit

FULL_READ = 0.5
"""The dwell ratio of exactly the reading time: the ratio is capped at twice that, and halved."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """All that was observed of one item. None means not observed.

    `dwell_seconds` and `reason` are those of the deepest visit, `returns` counts
    the visits after the first that were not abandoned, `explicit` is the
    strength of the latest mapped event that has one.
    """

    content_id: str
    visits: int
    returns: int
    dwell_seconds: float | None
    reason: ViewEnd | None
    rating: float | None
    explicit: float | None
    last_ms: int


Decider = Literal["reading", "event", "rating", "bounds"]
"""What a strength was settled by: the components alone, an event that the plan gives a
strength, the latest rating, or that it lies in [-1, 1]."""


class Engagement(msgspec.Struct, frozen=True, kw_only=True):
    """The strength of one item in [-1, 1], before decay, and its components.

    Shape: `contributions` of dwell, completion, revisit and survey, which add up
        to `suggested`: the strength unless something else decided it.
    """

    evidence: Evidence
    dwell_ratio: float | None
    completion: float | None
    revisit: float
    survey: float | None
    dwell_weight: float
    contributions: tuple[float, float, float, float]
    suggested: float
    strength: float
    decided_by: Decider


def gather(visits: Sequence[Visit], events: Iterable[InteractionEvent]) -> dict[str, Evidence]:
    """The evidence of every item that was viewed, rated or acted on.

    `events` must be in `event_order`; the latest rating and explicit strength
    of an item are the ones that count.
    """
    by_item: dict[str, list[Visit]] = {}
    for visit in visits:
        by_item.setdefault(visit.content_id, []).append(visit)
    said: dict[str, _Said] = {}
    for event in events:
        item = event.content_id
        if item is None:
            continue
        if event.rating is None and event.strength is None and event.kind != "interaction":
            continue
        before = said.get(item, _NOTHING_SAID)
        said[item] = _Said(
            rating=before.rating if event.rating is None else event.rating,
            explicit=before.explicit if event.strength is None else event.strength,
            last_ms=event.ts_ms,
        )
    return {
        item: _evidence(item, by_item.get(item, []), said.get(item, _NOTHING_SAID))
        for item in sorted(by_item.keys() | said.keys())
    }


def engage(evidence: Evidence, content: Content | None, config: EngagementConfig) -> Engagement:
    """Score one item's evidence; an item not in the catalogue has a nominal reading time."""
    ratio = _dwell_ratio(evidence.dwell_seconds, content, config)
    completion = _completion(evidence.reason, ratio, config)
    earned = evidence.returns if config.revisits == "after_first" else evidence.visits
    revisit = 1 - exp(-earned / 2)
    survey = None if evidence.rating is None else (evidence.rating - 3) / 2
    dwell_weight = _dwell_weight(evidence.reason, completion, config)
    contributions = (
        dwell_weight * (ratio or 0.0),
        config.completion_weight * (completion or 0.0),
        config.revisit_weight * revisit,
        config.survey_weight * (survey or 0.0),
    )
    dwelt, completed, returned, rated = contributions
    suggested = dwelt + completed + returned + rated
    strength, decided_by = _decided(suggested, evidence, config)
    return Engagement(
        evidence=evidence,
        dwell_ratio=ratio,
        completion=completion,
        revisit=revisit,
        survey=survey,
        dwell_weight=dwell_weight,
        contributions=contributions,
        suggested=suggested,
        strength=strength,
        decided_by=decided_by,
    )


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What was rated or done outright, beside being viewed."""

    rating: float | None = None
    explicit: float | None = None
    last_ms: int = 0


_NOTHING_SAID = _Said()
_NO_DEPTH = (-inf, False, 0)
_READING: Decider = "reading"


def _evidence(item: str, visits: Sequence[Visit], said: _Said) -> Evidence:
    # Dwell and end are those of one visit, the deepest: a glance later does not
    # undo a read, and four glances are no read.
    deepest, depth = None, _NO_DEPTH
    stayed, last_ms = 0, said.last_ms
    for visit in visits:
        if (its_depth := _depth(visit)) > depth:
            deepest, depth = visit, its_depth
        stayed += visit.reason != "abandon"
        last_ms = max(last_ms, visit.last_ms)
    return Evidence(
        content_id=item,
        visits=len(visits),
        returns=max(0, stayed - 1),
        dwell_seconds=deepest.dwell_seconds if deepest else None,
        reason=deepest.reason if deepest else None,
        rating=said.rating,
        explicit=said.explicit,
        last_ms=last_ms,
    )


def _depth(visit: Visit) -> tuple[float, bool, int]:
    """Longer is deeper; then the one whose end is known, then the later."""
    dwell = -1.0 if visit.dwell_seconds is None else visit.dwell_seconds
    return (dwell, visit.reason is not None, visit.last_ms)


def _dwell_ratio(
    dwell_seconds: float | None, content: Content | None, config: EngagementConfig
) -> float | None:
    if dwell_seconds is None:
        return None
    return min(dwell_seconds / reading_seconds(content, config), 2.0) / 2.0


def reading_seconds(content: Content | None, config: EngagementConfig) -> float:
    """How long the item takes to read. Units: seconds."""
    if content is None or content.words == 0:
        return config.nominal_reading_seconds
    image = config.image_seconds if content.image else 0.0
    return content.words / config.words_per_second + image


def _completion(
    reason: ViewEnd | None, ratio: float | None, config: EngagementConfig
) -> float | None:
    if reason is None:
        return None
    if config.completions == "read":
        if (
            reason in ("next_button", "link")
            and (ratio or 0.0) < config.completion_from_dwell_ratio
        ):
            return None
        if _closed_after_reading(reason, ratio):
            return None
    return float(getattr(config.completion, reason))


def _closed_after_reading(reason: ViewEnd, ratio: float | None) -> bool:
    return reason == "close_button" and ratio is not None and ratio >= FULL_READ


def _dwell_weight(
    reason: ViewEnd | None, completion: float | None, config: EngagementConfig
) -> float:
    """Who closes an item after a full read has finished it: the dwell speaks for both.

    With the completion merely left out, a full read would stay at .2, neutral.
    """
    if reason == "close_button" and completion is None:
        return config.dwell_weight + config.completion_weight
    return config.dwell_weight


def _decided(
    suggested: float, evidence: Evidence, config: EngagementConfig
) -> tuple[float, Decider]:
    """What the visitor said outright outweighs what the reading suggests."""
    strength, by = suggested, _READING
    if (outright := evidence.explicit) is not None:
        settled = max(strength, outright) if outright >= 0 else min(strength, outright)
        strength, by = (strength, by) if settled == strength else (settled, "event")
    if evidence.rating is not None and config.ratings == "decide":
        settled = strength
        if evidence.rating >= 4:  # noqa: PLR2004 - of five stars
            settled = max(strength, config.positive_from)
        elif evidence.rating <= 2:  # noqa: PLR2004
            settled = min(strength, config.negative_to)
        strength, by = (strength, by) if settled == strength else (settled, "rating")
    bounded = max(-1.0, min(1.0, strength))
    return bounded, by if bounded == strength else "bounds"
