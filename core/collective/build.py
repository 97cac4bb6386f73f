"""Builds the statistics of all readings: the same ones on the same day give the same version."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.lists import Weights
from core.collective.pairs import pair_lists
from core.collective.readings import Readings
from core.collective.statistics import (
    CollectiveArrays,
    CollectiveFigures,
    CollectiveStatistics,
    Counts,
)
from core.collective.transitions import transition_lists
from core.config import CollectiveConfig
from core.index.parts import named_arrays
from core.modelling.decay import MS_PER_DAY
from core.ragged import Numbers
from core.strings import StringLookup, StringTable

_FRESH = 100
"""New items that answers draw from at most, the least shown ones."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted over all visitors. `impressions` is how often items were shown."""

    readings: Readings
    impressions: Mapping[str, int] = {}


def build_statistics(
    counted: Counted,
    catalogue: Sequence[str],
    config: CollectiveConfig,
    *,
    now_ms: int,
    previous: CollectiveStatistics | None = None,
) -> CollectiveStatistics:
    """Statistics over the items of the catalogue; what was read of others does not count.

    `previous` tells which of the items are new: without it none is. Popularity
    is that of the whole day.
    """
    ids, count = _rows(counted.readings, catalogue)
    views = counted.readings.numbered(ids)
    likes = views.where(views.liked)
    day_ms = now_ms - now_ms % MS_PER_DAY + MS_PER_DAY
    decayed = likes.decayed(at_ms=day_ms, half_life_days=config.half_life_days)[:count]
    popularity = _popularity(decayed)
    arrived_ms = _arrivals(ids, previous, now_ms)
    impressions = np.array([counted.impressions.get(one, 0) for one in ids], dtype=np.int64)
    table = StringTable.of(ids)
    arrays = CollectiveArrays(
        ids=table,
        lookup=StringLookup.of(table),
        likes=pair_lists(likes, count, config),
        views=pair_lists(views, count, config),
        next=transition_lists(views, count, config),
        popularity=popularity,
        quality=_quality(views, likes, count, config),
        most_liked=_most_liked(popularity),
        impressions=impressions,
        arrived_ms=arrived_ms,
        fresh=_fresh(arrived_ms, impressions, now_ms, config),
    )
    total = float(decayed.sum())
    figures = CollectiveFigures(
        version="",
        counted_at_ms=now_ms,
        visitors=views.visitors,
        views=len(views),
        likes=len(likes),
        items=count,
        decayed_likes=total,
        popularity_certainty=total / (total + config.popularity_evidence),
    )
    figures = msgspec.structs.replace(figures, version=_version(arrays, figures))
    return CollectiveStatistics(arrays=arrays, figures=figures)


def _rows(readings: Readings, catalogue: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Every id of the catalogue, the most read first, and how many were read at all."""
    known = set(catalogue)
    counts = readings.per_item().tolist()
    numbered = [(-count, one) for one, count in zip(readings.ids, counts, strict=True)]
    read = [one for count, one in sorted(numbered) if count and one in known]
    return (*read, *sorted(known.difference(read))), len(read)


def _popularity(decayed: npt.NDArray[np.float64]) -> Weights:
    greatest = np.log1p(decayed.max(initial=0.0))
    shares = np.log1p(decayed) / greatest if greatest > 0 else decayed
    return shares.astype(np.float32)


def _most_liked(popularity: Weights) -> Numbers:
    """The rows that somebody likes, the most liked first."""
    order = np.argsort(-popularity, kind="stable").astype(np.int32)
    return order[popularity[order] > 0]


def _quality(views: Readings, likes: Readings, count: int, config: CollectiveConfig) -> Weights:
    """The share of likes among readings, drawn to the mean where readers are few."""
    mean = len(likes) / max(1, len(views))
    prior = config.quality_evidence
    shares = (likes.per_item() + prior * mean) / (views.per_item() + prior)
    return shares[:count].astype(np.float32)


def _arrivals(ids: Sequence[str], previous: CollectiveStatistics | None, now_ms: int) -> Counts:
    """When each item came, as the statistics before knew, or else just now."""
    arrived = np.zeros(len(ids), dtype=np.int64)
    if previous is None or not len(previous.arrays.ids):
        return arrived
    before = previous.arrays
    found = before.lookup.find(before.ids, list(ids))
    arrived[found >= 0] = before.arrived_ms[found[found >= 0]]
    arrived[found < 0] = now_ms
    return arrived


def _fresh(
    arrived_ms: Counts, impressions: Counts, now_ms: int, config: CollectiveConfig
) -> Numbers:
    """The new items, the least shown first."""
    since_ms = now_ms - round(config.new_days * MS_PER_DAY)
    arrived = (arrived_ms > 0) & (arrived_ms >= since_ms)
    new = np.flatnonzero(arrived & (impressions < config.new_enough))
    return new[np.argsort(impressions[new], kind="stable")][:_FRESH].astype(np.int32)


def _version(arrays: CollectiveArrays, figures: CollectiveFigures) -> str:
    """Twelve hex digits of everything but the time of counting."""
    digest = hashlib.blake2b(digest_size=6)
    digest.update(msgspec.json.encode(msgspec.structs.replace(figures, counted_at_ms=0)))
    for name, array in named_arrays(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
