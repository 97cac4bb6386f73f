"""What the scorers looked at, found again for the few items of a list."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from math import isnan

import msgspec
import numpy as np

from core.columns import ContentRows
from core.explaining.others import others_of
from core.explaining.shares import tag_shares
from core.explanation import Evidence, LikedItem, NamedItem, TagShare
from core.geo import distances_m
from core.ranking.listing import Listing
from core.ranking.scorers import ScoringInput, tag_profiles
from core.ranking.slate import Place, Scored
from core.tags import tag_key
from core.vectors import cosines, to_grid, unpack

_NO_TAGS: AbstractSet[int] = frozenset()
_SAME = 0.995
"""A stored direction is rounded; this close it can only be the item's own, or its twin's."""


class Found(msgspec.Struct, frozen=True):
    """The evidence for an item, and what may be said of the liked item that it names.

    `shared_tag` is the first of the tags that contribute which the liked item has too.
    """

    evidence: Evidence
    shared_tag: str | None
    liked_was_viewed: bool


def gather_evidence(places: Sequence[Place], listing: Listing) -> list[Found]:
    """The evidence for each of these places."""
    by_scored: dict[int, list[int]] = {}
    for position, place in enumerate(places):
        by_scored.setdefault(id(place.scored), []).append(position)
    found: dict[int, Found] = {}
    for positions in by_scored.values():
        scored = places[positions[0]].scored
        indices = [places[position].index for position in positions]
        found.update(zip(positions, _of_items(scored, indices, listing), strict=True))
    return [found[position] for position in range(len(places))]


def _of_items(scored: Scored, indices: Sequence[int], listing: Listing) -> Iterator[Found]:
    """The evidence for some items that were scored together."""
    items, given = scored.items.take(indices), listing.scoring
    last_viewed, session = _last_viewed(listing), None
    if len(given.session):
        session = NamedItem(content_id=given.session[0].id, title=given.session[0].title)
    unopened = given.signals.unopened
    likes = _likes(items, listing)
    tags = _tags(items, scored, indices, given)
    metres = _metres(items, given)
    others = others_of(items, listing)
    for number, content_id in enumerate(items.ids):
        liked, own = likes[number] if likes else (None, _NO_TAGS)
        evidence = Evidence(
            liked=liked,
            last_viewed=last_viewed,
            session=session,
            tags=tags[number],
            others=others[number],
            distance_m=metres[number] if metres else None,
            unopened_showings=unopened[content_id][0] if content_id in unopened else None,
        )
        viewed = liked is not None and liked.content_id in given.signals.viewed
        yield Found(evidence, _shared(evidence, own, given.likes), viewed)


def _likes(items: ContentRows, listing: Listing) -> list[tuple[LikedItem | None, AbstractSet[int]]]:
    """For each item the liked one that its affinity comes from, and the tags that one has.

    Neither of a liked item that is not shown any more.
    """
    given, likes = listing.scoring, listing.scoring.likes
    if not len(likes):
        return []
    ids = likes.ids
    strengths = np.array([given.signals.positives[one] for one in ids])
    scaled = strengths / strengths.max()
    close = cosines(items.vectors, likes.vectors)
    best = (((close + 1.0) / 2.0) * scaled).argmax(axis=1).tolist()
    now_ms = listing.pool.now_ms
    chosen = [at for at in set(best) if likes[at].rules.shows_at(now_ms)]
    titles = {at: likes.title(at) for at in chosen}
    tags: dict[int, set[int]] = {at: set() for at in chosen}
    owned = likes.columns.tags.of(likes.take(chosen).rows)
    for owner, number in zip(owned.owners.tolist(), owned.ids.tolist(), strict=True):
        tags[chosen[owner]].add(number)
    return [
        (
            LikedItem(
                content_id=ids[at],
                title=titles[at],
                strength=float(strengths[at]),
                scaled=float(scaled[at]),
                cosine=float(close[number, at]),
            ),
            tags[at],
        )
        if at in tags
        else (None, _NO_TAGS)
        for number, at in enumerate(best)
    ]


def _shared(evidence: Evidence, own: AbstractSet[int], likes: ContentRows) -> str | None:
    vocabulary = likes.columns.tags.vocabulary
    shares = evidence.tags.get("tag", ()) if own else ()
    return next(
        (
            one.tag
            for one in shares
            if one.contribution > 0 and vocabulary.get(tag_key(one.tag)) in own
        ),
        None,
    )


def _tags(
    items: ContentRows, scored: Scored, indices: Sequence[int], given: ScoringInput
) -> list[dict[str, tuple[TagShare, ...]]]:
    """For each item the tags that it shares, by the scorer that compares them."""
    parts = scored.fused.parts
    profiles = {name: own for name, own in tag_profiles(given).items() if name in parts}
    micros = {name: parts[name][indices].tolist() for name in profiles}
    return tag_shares(items, profiles, micros)


def _metres(items: ContentRows, given: ScoringInput) -> list[float | None]:
    """How far each item is from the request's position."""
    if given.near is None:
        return []
    metres = distances_m(given.near, items.columns.places[items.rows]).tolist()
    return [None if isnan(one) else one for one in metres]


def _last_viewed(listing: Listing) -> NamedItem | None:
    """The item whose direction the model keeps, if it is still among those viewed last."""
    given, recent = listing.scoring, listing.pool.last_viewed
    if not len(recent) or not given.signals.recency_vector or len(given.session):
        return None
    direction = to_grid(unpack(given.signals.recency_vector))
    for at in range(len(recent)):  # the first, nearly always
        [[close]] = cosines(recent[at : at + 1].vectors, direction[None, :])
        if close >= _SAME and recent[at].rules.shows_at(listing.pool.now_ms):
            return NamedItem(content_id=recent.ids[at], title=recent.title(at))
    return None
