"""`explain`: for every item of a finished list how it came there, from what decided it."""

from collections.abc import Mapping

import numpy as np

from core.content import Content
from core.explaining.applied import leaders_of, rules_of
from core.explaining.evidence import Found, gather_evidence
from core.explaining.sentences import reason_of
from core.explanation import Explanation, MmrStep, ScorerPart
from core.ranking.fusion import MICRO, Fused
from core.ranking.listing import Listing
from core.ranking.mmr import Step
from core.ranking.slate import Place, Scored


def explain(listing: Listing) -> list[Explanation]:
    """One for each place of the list, in its order."""
    places = listing.slate.places
    leaders, usual = leaders_of(listing), _usual(listing)
    return [
        _explanation(place, found, listing, leaders, usual)
        for place, found in zip(places, gather_evidence(places, listing), strict=True)
    ]


def scorer_parts(fused: Fused, index: int) -> tuple[ScorerPart, ...]:
    """What every scorer said about an item."""
    return tuple(
        ScorerPart(
            name=name,
            value=values.item(index),
            weight=fused.weights.get(name),
            contribution=fused.parts[name].item(index) / MICRO,
        )
        for name, values in fused.values.items()
    )


def mmr_step(step: Step | None, listing: Listing) -> MmrStep | None:
    """What MMR decided by, with the id of the item that it compared with."""
    if step is None or listing.ranked is None:
        return None
    closest = None if step.closest is None else _id_of(step.closest, listing.ranked.scored, listing)
    return MmrStep(relevance=step.relevance, penalty=step.penalty, closest=closest)


def _id_of(index: int, scored: Scored, listing: Listing) -> str:
    """Nearly always it is in the list, where ids are at hand."""
    for place in listing.slate.places:
        if place.index == index and place.scored is scored:
            return place.content_id
    return scored.place(index).content_id


def _explanation(
    place: Place,
    found: Found,
    listing: Listing,
    leaders: Mapping[str, Content],
    usual: Mapping[str, float],
) -> Explanation:
    scorers = scorer_parts(place.scored.fused, place.index)
    rules = rules_of(place, listing, leaders)
    return Explanation(
        reason=reason_of(place, scorers, usual, rules, leaders, found),
        scorers=scorers,
        mmr=_picked(place, listing, leaders),
        rules=rules,
        evidence=found.evidence,
    )


def _picked(place: Place, listing: Listing, leaders: Mapping[str, Content]) -> MmrStep | None:
    """How MMR picked the item, None where something else placed it."""
    ranked = listing.ranked
    if ranked is None or place.scored is not ranked.scored:
        return None
    if place.content_id in listing.slate.pinned or place.content_id in listing.slate.tried:
        return None
    if place.group is not None and leaders[place.group].id != place.content_id:
        return None
    return mmr_step(ranked.diversified.step(place.index), listing)


def _usual(listing: Listing) -> dict[str, float]:
    """What each scorer contributes to a candidate in the mean."""
    if listing.ranked is None:
        return {}
    parts = listing.ranked.scored.fused.parts
    return {
        name: int(np.add.reduce(micros)) / len(micros) / MICRO for name, micros in parts.items()
    }
