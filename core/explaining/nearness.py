"""How near an item came to being a candidate: against the last that each generator brought."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from core.collective.collective import spread
from core.columns import ContentRows
from core.explaining.outcomes import Measure, Nearness
from core.geo import GeoPoint, distances_m
from core.ranking.listing import Listing
from core.tags import tag_key
from core.vectors import Floats, GridVector, cosines, to_grid, unpack

_SUMS_DIFFER = 1e-9
"""Two ways of adding up the same tags differ by less."""
_NAMES = {
    "taste": "what you have read with interest",
    "session": "what you have just viewed",
    "tags": "the tags that interest you",
    "session_tags": "the tags of what you have just viewed",
    "related": "what leads on from what you have read",
    "session_related": "what leads on from what you have just viewed",
    "geo": "where you are",
    "popular": "the most popular",
    "covisit": "what others read who read the same as you",
    "liked": "what most visitors like",
}


def nearness_of(row: ContentRows, listing: Listing) -> tuple[Nearness, ...]:
    """One for each generator that was asked. Shape: `row` holds the one item."""
    return tuple(_nearness(row, listing))


def why_not_brought(found: tuple[Nearness, ...]) -> str:
    """The nearest miss, in words."""
    for one in found:
        if one.missed:
            return f"It is near enough to {_NAMES[one.generator]}, but the search missed it."
    for one in found:
        nothing = not one.value and one.measure not in ("cosine", "metres")
        if one.value is not None and one.last_value is not None and not nothing:
            unit = " m" if one.measure == "metres" else ""
            return (
                f"Others are nearer to {_NAMES[one.generator]}: {one.last_value:.3g}{unit} for "
                f"the last of them, {one.value:.3g}{unit} for this."
            )
    return "Nothing that is known leads to it, and it was not drawn."


def _nearness(row: ContentRows, listing: Listing) -> Iterator[Nearness]:
    candidates = listing.pool.candidates
    for column, name in enumerate(candidates.generators):
        if name in ("pinned", "together"):  # these bring all that they can
            continue
        brought = candidates.items.take(np.flatnonzero(candidates.brought[:, column]))
        measure = _BY[name][0] if name in _BY else "draw"
        own = _values(name, row, listing)
        values = _values(name, brought, listing) if len(brought) else None
        value = None if own is None or np.isnan(own[0]) else float(own[0])
        last = None
        if values is not None:
            last = float(values.max() if measure == "metres" else values.min())
        yield Nearness(
            generator=name,
            measure=measure,
            brought=len(brought),
            value=value,
            last_value=last,
            missed=_missed(name, measure, value, last, len(brought), listing),
        )


def _missed(
    name: str,
    measure: Measure,
    value: float | None,
    last: float | None,
    brought: int,
    listing: Listing,
) -> bool:
    """Whether an approximate search should have found it."""
    if measure not in ("cosine", "tag_overlap") or value is None:
        return False
    limits = listing.scoring.config.candidates
    if brought < {"taste": limits.vector, "tags": limits.tags}.get(name, limits.session):
        return measure == "cosine" or value > 0
    return last is not None and value > last + _SUMS_DIFFER


def _values(name: str, items: ContentRows, listing: Listing) -> Floats | None:
    """What the generator goes by, for each of the items. Shape: (n,)."""
    by = _BY.get(name)
    return None if by is None else by[1](items, listing)


def _by_taste(items: ContentRows, listing: Listing) -> Floats:
    return _cosines(items, to_grid(unpack(listing.scoring.signals.taste_vector)))


def _by_session(items: ContentRows, listing: Listing) -> Floats:
    return _cosines(items, listing.pool.session.vectors[0])


def _by_tags(items: ContentRows, listing: Listing) -> Floats:
    affinity = listing.scoring.signals.tag_affinity
    asked = listing.scoring.config.candidates.affinity_tags
    return _overlap(items, dict(list(affinity.items())[:asked]))


def _by_session_tags(items: ContentRows, listing: Listing) -> Floats:
    return _overlap(items, listing.pool.session[0].tags)


def _by_likes(items: ContentRows, listing: Listing) -> Floats:
    return _relation(items, listing.pool.likes, listing.scoring.signals.positives)


def _by_session_relations(items: ContentRows, listing: Listing) -> Floats:
    viewed = listing.pool.session
    return _relation(items, viewed, dict.fromkeys(viewed.ids, 1.0))


def _by_place(items: ContentRows, listing: Listing) -> Floats:
    near = listing.request.near or GeoPoint(0.0, 0.0)  # asked only where there is one
    return distances_m(near, items.columns.places[items.rows])


def _by_popularity(items: ContentRows, _: Listing) -> Floats:
    return np.array([one.popularity for one in items])


def _by_others(items: ContentRows, listing: Listing) -> Floats:
    crowd = listing.scoring.crowd
    if crowd is None or crowd.covisits is None:
        raise ValueError("others were not asked")
    said = crowd.collective.said(crowd.covisits, crowd.config.ease_share)
    return spread(said, crowd.collective.read_rows(items))


def _by_likes_of_all(items: ContentRows, listing: Listing) -> Floats:
    crowd = listing.scoring.crowd
    if crowd is None:
        raise ValueError("nobody is known to like anything")
    return spread(crowd.collective.arrays.popularity, crowd.collective.read_rows(items))


def _cosines(items: ContentRows, direction: GridVector) -> Floats:
    close: Floats = cosines(items.vectors, direction[None, :])[:, 0]
    return close


def _overlap(items: ContentRows, profile: Mapping[str, float]) -> Floats:
    """The sums of both sides' weights, as the search adds them up."""
    weights: dict[str, float] = {}
    for tag, weight in profile.items():
        weights[tag_key(tag)] = weights.get(tag_key(tag), 0.0) + weight
    tags = items.columns.tags
    return tags.of(items.rows).overlap(tags.profile(weights))


def _relation(items: ContentRows, sources: ContentRows, strengths: Mapping[str, float]) -> Floats:
    named: dict[str, float] = {}
    for source in sources:
        for other, weight in source.related.items():
            named[other] = named.get(other, 0.0) + weight * strengths[source.id]
    return np.array([named.get(one, 0.0) for one in items.ids])


_BY: Mapping[str, tuple[Measure, Callable[[ContentRows, Listing], Floats]]] = {
    "taste": ("cosine", _by_taste),
    "session": ("cosine", _by_session),
    "tags": ("tag_overlap", _by_tags),
    "session_tags": ("tag_overlap", _by_session_tags),
    "related": ("relation", _by_likes),
    "session_related": ("relation", _by_session_relations),
    "geo": ("metres", _by_place),
    "popular": ("popularity", _by_popularity),
    "covisit": ("others", _by_others),
    "liked": ("likes", _by_likes_of_all),
}
"""Of a generator that is not here the item was not drawn."""
