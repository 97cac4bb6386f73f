"""The scorers: each says in [0, 1] how much one thing speaks for each item.

A scorer that has nothing to go on (no taste, no position) is left out, so its
part of the sum is missing instead of a made-up middle.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from core.columns import ContentRows, TagRows
from core.config import RankingConfig
from core.geo import GeoPoint, distances_m
from core.ranking.context import Exploration
from core.ranking.crowd import Crowd, score_crowd
from core.ranking.ranker import Ranker
from core.signals import UserSignals
from core.tags import tag_key
from core.vectors import Floats, GridVector, cosines, to_grid, unpack

_BILLION = 1e9


class ScoringInput(msgspec.Struct, frozen=True, kw_only=True):
    """The visitor with their liked and unopened items, the item just viewed, and the position.

    `ranker` None is the sum by the weights of `config`, `exploration` how the order
    is drawn, `crowd` what all visitors together say.
    """

    signals: UserSignals
    likes: ContentRows
    unopened: ContentRows
    session: ContentRows
    near: GeoPoint | None
    config: RankingConfig
    ranker: Ranker | None = None
    exploration: Exploration | None = None
    crowd: Crowd | None = None


def score_all(items: ContentRows, given: ScoringInput) -> dict[str, Floats]:
    """Every scorer's values for the items, in the order of the weights.

    Shape: scorer name to (len(items),).
    """
    closeness = _closeness(items, given)
    tags = items.columns.tags.of(items.rows)
    overlaps = {
        name: _tag_overlap(items, tags, profile) for name, profile in tag_profiles(given).items()
    }
    scores: dict[str, Floats | None] = {
        "semantic": closeness.taste,
        "affinity": _affinity(closeness.likes, given),
        "tag": overlaps["tag"],
        "recency": closeness.last_view,
        "session": closeness.session,
        "session_tag": overlaps["session_tag"],
        "session_related": _session_related(items, given),
        "aversion": overlaps["aversion"],
        "geo": _geo(items, given),
        "fatigue": _fatigue(items, given),
        **({} if given.crowd is None else score_crowd(items, given.crowd)),
    }
    return {name: values for name, values in scores.items() if values is not None}


def tag_profiles(given: ScoringInput) -> dict[str, Mapping[str, float]]:
    """The tags that items are compared with, each with its weight, by the scorer's name."""
    return {
        "tag": given.signals.tag_affinity,
        "session_tag": given.session[0].tags if len(given.session) else {},
        "aversion": given.signals.tag_aversion,
    }


class _Closeness(msgspec.Struct, frozen=True):
    """(cos + 1) / 2 with each direction of the model. Shape: (n,), `likes` (likes, n)."""

    taste: Floats | None
    last_view: Floats | None
    session: Floats | None
    likes: Floats | None


def _closeness(items: ContentRows, given: ScoringInput) -> _Closeness:
    """All of them by one product: its fixed cost is most of a small one's."""
    directions = _directions(given)
    likes = given.likes.vectors if len(given.likes) else items.vectors[:0]
    if not directions and not len(likes):
        return _Closeness(None, None, None, None)
    columns = np.concatenate([*(one[None, :] for one in directions.values()), likes])
    # The product is fastest with the many rows first, all that follows by direction.
    close = np.asfortranarray(cosines(items.vectors, columns)).T
    close += 1.0
    close /= 2.0
    named = dict(zip(directions, close, strict=False))
    return _Closeness(
        named.get("taste"),
        named.get("last_view"),
        named.get("session"),
        close[len(directions) :] if len(likes) else None,
    )


def _directions(given: ScoringInput) -> dict[str, GridVector]:
    """What items are compared with. Of two that say what was viewed last, the request's."""
    signals, directions = given.signals, {}
    if signals.taste_vector:
        directions["taste"] = to_grid(unpack(signals.taste_vector))
    if len(given.session):
        directions["session"] = given.session.vectors[0]
    elif signals.recency_vector:
        directions["last_view"] = to_grid(unpack(signals.recency_vector))
    return directions


def _affinity(closeness: Floats | None, given: ScoringInput) -> Floats | None:
    """The closest liked item, by how much it is liked: max of w * (cos + 1) / 2."""
    if closeness is None:
        return None
    strengths = given.signals.positives
    weights = np.array([strengths[liked] for liked in given.likes.ids], dtype=np.float64)
    nearest: Floats = (closeness * (weights / weights.max())[:, None]).max(axis=0)
    return nearest


def _tag_overlap(items: ContentRows, tags: TagRows, profile: Mapping[str, float]) -> Floats | None:
    """Share of the profile's weight that an item's tags carry."""
    total = sum(profile.values())
    if total <= 0:
        return None
    weights = {tag_key(tag): weight for tag, weight in profile.items()}
    wanted = items.columns.tags.profile(weights)
    return np.minimum(1.0, tags.overlap(wanted) / total)


def _session_related(items: ContentRows, given: ScoringInput) -> Floats | None:
    """How much the item just viewed names each as related."""
    related = given.session[0].related if len(given.session) else {}
    if not related:
        return None
    return np.minimum(1.0, [related.get(content_id, 0.0) for content_id in items.ids])


def _geo(items: ContentRows, given: ScoringInput) -> Floats | None:
    """exp(-distance / scale); an item without a place is nowhere near."""
    if given.near is None:
        return None
    metres = distances_m(given.near, items.columns.places[items.rows])
    return np.nan_to_num(_decays(metres / given.config.geo_scale_m), nan=0.0)


def _fatigue(items: ContentRows, given: ScoringInput) -> Floats | None:
    """How often the item was passed over: 1 - exp(-count / scale)."""
    unopened = given.signals.unopened
    if not unopened:
        return None
    values = np.zeros(len(items))
    at = items.locate(given.unopened)
    counts = np.array([unopened[one][0] for one in given.unopened.ids], dtype=np.float64)
    values[at[at >= 0]] = 1.0 - _decays(counts[at >= 0] / given.config.fatigue_scale)
    return values


def _decays(distances: Floats) -> Floats:
    """exp(-distance) in whole billionths: its last digits differ from machine to machine."""
    return np.rint(np.exp(-distances) * _BILLION) / _BILLION
