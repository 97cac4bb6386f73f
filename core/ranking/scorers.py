"""The scorers: each says in [0, 1] how much one thing speaks for each item.

A scorer that has nothing to go on (no taste, no position) is left out, so its
part of the sum is missing instead of a made-up middle.
"""

from collections.abc import Mapping, Sequence
from math import exp

import msgspec
import numpy as np

from core.config import RankingConfig
from core.content import Content
from core.geo import GeoPoint, distance_m
from core.signals import UserSignals
from core.tags import tag_key
from core.vectors import Floats, GridMatrix, cosines, to_grid, unpack


class ScoringInput(msgspec.Struct, frozen=True, kw_only=True):
    """The visitor, their likes' contents and the request's position."""

    signals: UserSignals
    likes: Mapping[str, Content]
    near: GeoPoint | None
    config: RankingConfig


def score_all(items: Sequence[Content], given: ScoringInput) -> dict[str, Floats]:
    """Every scorer's values for the items, in the order of the weights.

    Shape: scorer name to (len(items),).
    """
    signals = given.signals
    matrix = np.stack([item.vector for item in items])
    scores = {
        "semantic": _direction(matrix, signals.taste_vector),
        "affinity": _affinity(matrix, given),
        "tag": _tag_overlap(items, signals.tag_affinity),
        "recency": _direction(matrix, signals.recency_vector),
        "aversion": _tag_overlap(items, signals.tag_aversion),
        "geo": _geo(items, given),
        "fatigue": _fatigue(items, given),
    }
    return {name: values for name, values in scores.items() if values is not None}


def _direction(matrix: GridMatrix, packed: str) -> Floats | None:
    """(cos + 1) / 2 with one direction."""
    if not packed:
        return None
    vector = to_grid(unpack(packed))
    return (cosines(matrix, vector[None, :])[:, 0] + 1.0) / 2.0


def _affinity(matrix: GridMatrix, given: ScoringInput) -> Floats | None:
    """The closest liked item, by how much it is liked: max of w * (cos + 1) / 2."""
    strengths = given.signals.positives
    known = [item for item in strengths if item in given.likes]
    if not known:
        return None
    liked = np.stack([given.likes[item].vector for item in known])
    weights = np.array([strengths[item] for item in known], dtype=np.float64)
    closeness = (cosines(matrix, liked) + 1.0) / 2.0
    nearest: Floats = (closeness * (weights / weights.max())).max(axis=1)
    return nearest


def _tag_overlap(items: Sequence[Content], profile: Mapping[str, float]) -> Floats | None:
    """Share of the profile's weight that an item's tags carry."""
    total = sum(profile.values())
    if total <= 0:
        return None
    weights = {tag_key(tag): weight for tag, weight in profile.items()}
    return np.array(
        [
            min(1.0, sum(weights.get(key, 0.0) * weight for key, weight in item.keyed_tags) / total)
            for item in items
        ],
        dtype=np.float64,
    )


def _geo(items: Sequence[Content], given: ScoringInput) -> Floats | None:
    """exp(-distance / scale); an item without a place is nowhere near."""
    near = given.near
    if near is None:
        return None
    scale = given.config.geo_scale_m
    return np.array(
        [exp(-distance_m(near, item.position) / scale) if item.position else 0.0 for item in items],
        dtype=np.float64,
    )


def _fatigue(items: Sequence[Content], given: ScoringInput) -> Floats | None:
    """How often the item was passed over: 1 - exp(-count / scale)."""
    unopened = given.signals.unopened
    if not unopened:
        return None
    scale = given.config.fatigue_scale
    counts = (unopened.get(item.id, (0.0, 0.0))[0] for item in items)
    return np.array([1.0 - exp(-count / scale) for count in counts], dtype=np.float64)
