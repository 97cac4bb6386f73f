"""The rules that applied to the items of a list."""

from collections.abc import Iterator, Mapping
from math import inf

from core.content import Content
from core.explanation import (
    Apart,
    Distracting,
    Explored,
    FacetCap,
    Pinned,
    Revisit,
    Rule,
    Together,
    Tried,
)
from core.ranking.listing import Listing
from core.ranking.slate import Place
from core.tags import tag_key


def leaders_of(listing: Listing) -> Mapping[str, Content]:
    """Of each group in the list the member that brought the others along."""
    first: dict[str, tuple[float, Place]] = {}
    for place in listing.slate.places:
        if place.group is not None:
            turn = _turn(place, listing)
            if place.group not in first or turn < first[place.group][0]:
                first[place.group] = (turn, place)
    return {group: place.content for group, (_, place) in first.items()}


def rules_of(place: Place, listing: Listing, leaders: Mapping[str, Content]) -> tuple[Rule, ...]:
    """Those that an item of the list is under."""
    return tuple(_rules(place, listing, leaders))


def _turn(place: Place, listing: Listing) -> float:
    """When a member of a group would have come by itself."""
    if place.content_id in listing.slate.pinned:
        ids = listing.pool.pinned.ids
        return ids.index(place.content_id) if place.content_id in ids else inf
    if listing.ranked is None or place.scored is not listing.ranked.scored:
        return place.index
    reached = listing.ranked.diversified.reached
    return reached.index(place.index) if place.index in reached else inf


def _rules(place: Place, listing: Listing, leaders: Mapping[str, Content]) -> Iterator[Rule]:
    group, slate = place.group, listing.slate
    led = group is not None and leaders[group].id != place.content_id
    if place.content_id in slate.pinned and not led:
        yield Pinned(rank=place.content.rules.pinned or 1)
    if place.scored.kind == "distractor":
        yield Distracting(strategy=listing.report.strategy or "")
    if place.content_id in slate.tried:
        yield Tried()
    elif _was_drawn(place, listing):
        yield from _explored(listing)
    if place.content_id in listing.scoring.signals.viewed:
        yield Revisit(viewed_ms=listing.scoring.signals.viewed[place.content_id])
    if group is not None:
        yield Together(group=group, leader=leaders[group].id)
    if place.is_ruled:
        yield from (Apart(name=name) for name in place.content.rules.apart)
    if slate.rules.look_at_all:
        yield from _caps(place.content, listing)


def _was_drawn(place: Place, listing: Listing) -> bool:
    """Whether it is there for its score."""
    if listing.ranked is None or place.content_id in listing.slate.pinned:
        return False
    return place.scored is listing.ranked.scored


def _explored(listing: Listing) -> Iterator[Explored]:
    exploration = listing.scoring.exploration
    if exploration is not None:
        yield Explored(kind=exploration.kind)


def _caps(content: Content, listing: Listing) -> Iterator[FacetCap]:
    counts = listing.slate.rules.counts(content)
    labels = {tag_key(tag): tag for tag in content.tags}
    for key, (listed, most) in counts.items():
        yield FacetCap(label=labels[key], listed=listed, most=most)
