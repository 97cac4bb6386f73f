"""Builds the statistics of all likes: the same likes on the same day give the same version."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.collective.cooccurrence import Cooccurrence
from core.collective.ease import Gram, ease_lists
from core.collective.likes import LikeTable
from core.collective.lists import NeighbourLists, strongest
from core.collective.statistics import (
    CollectiveArrays,
    CollectiveFigures,
    CollectiveStatistics,
)
from core.config import CollectiveConfig
from core.index.parts import named_arrays
from core.modelling.decay import MS_PER_DAY
from core.ragged import Numbers, Rows, starts_of
from core.strings import StringLookup, StringTable

_FRESH = 100
"""New items that answers draw from at most, the least shown ones."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted over all visitors. `impressions` is how often items were shown."""

    likes: LikeTable
    impressions: Mapping[str, int] = {}


def build_statistics(
    counted: Counted,
    catalogue: Sequence[str],
    config: CollectiveConfig,
    *,
    now_ms: int,
    previous: CollectiveStatistics | None = None,
) -> CollectiveStatistics:
    """Statistics over the items of the catalogue; what is liked of others does not count.

    `previous` tells which of the items are new: without it none is. Popularity
    is that of the whole day.
    """
    day_ms = now_ms - now_ms % MS_PER_DAY + MS_PER_DAY
    likes, ids, liked = _by_rows(counted.likes, catalogue)
    ease, near, support = _neighbours(likes, len(liked), config)
    decayed = likes.decayed(at_ms=day_ms, half_life_days=config.half_life_days)[: len(liked)]
    popularity = np.log1p(decayed) / max(1e-9, np.log1p(decayed.max(initial=0.0)))
    arrived_ms = _arrivals(ids, previous, now_ms)
    impressions = np.array([counted.impressions.get(one, 0) for one in ids], dtype=np.int64)
    table = StringTable.of(ids)
    arrays = CollectiveArrays(
        ids=table,
        lookup=StringLookup.of(table),
        ease=ease,
        near=near,
        support=support,
        popularity=popularity.astype(np.float32),
        most_liked=np.argsort(-popularity, kind="stable").astype(np.int32),
        impressions=impressions,
        arrived_ms=arrived_ms,
        fresh=_fresh(arrived_ms, impressions, now_ms, config),
    )
    figures = CollectiveFigures(
        version="",
        counted_at_ms=now_ms,
        visitors=likes.visitors,
        likes=len(likes),
        liked=len(liked),
        decayed_likes=float(decayed.sum()),
    )
    figures = msgspec.structs.replace(figures, version=_version(arrays, figures))
    return CollectiveStatistics(arrays=arrays, figures=figures)


def _by_rows(
    likes: LikeTable, catalogue: Sequence[str]
) -> tuple[LikeTable, tuple[str, ...], list[str]]:
    """The likes of catalogue items, numbered by row; all ids by row; and the liked ones."""
    known = set(catalogue)
    per_item = likes.per_item().tolist()
    numbered = [(-count, one) for one, count in zip(likes.ids, per_item, strict=True)]
    liked = [one for count, one in sorted(numbered) if count and one in known]
    row_of = {one: row for row, one in enumerate(liked)}
    rows = np.array([row_of.get(one, -1) for one in likes.ids], dtype=np.int32)
    at = rows[likes.items] if len(likes) else np.zeros(0, dtype=np.int32)
    owners = np.repeat(np.arange(likes.visitors), np.diff(likes.starts))[at >= 0]
    lengths = np.bincount(owners, minlength=likes.visitors)
    ids = (*liked, *sorted(known.difference(liked)))
    table = LikeTable(
        ids=ids,
        starts=starts_of(lengths[lengths > 0]),
        items=at[at >= 0],
        ts_ms=likes.ts_ms[at >= 0],
    )
    return table, ids, liked


def _neighbours(
    likes: LikeTable, liked: int, config: CollectiveConfig
) -> tuple[NeighbourLists, NeighbourLists, npt.NDArray[np.int64]]:
    """The lists of EASE and of the nearest, and how many co-occurrences each item has."""
    own = likes.per_item()[:liked]
    solved = min(liked, config.ease_items)
    gram: Gram = np.zeros((solved, solved), dtype=np.float32)
    gram[np.diag_indices(solved)] = own[:solved]
    support = np.zeros(liked, dtype=np.int64)
    sources, rows, closeness = [], [], []
    for pairs in Cooccurrence(likes.starts, likes.items, liked).pairs() if liked else ():
        inside = (pairs.sources < solved) & (pairs.rows < solved)
        gram[pairs.sources[inside], pairs.rows[inside]] = pairs.counts[inside]
        support += np.bincount(pairs.sources, weights=pairs.counts, minlength=liked).astype(int)
        close = pairs.counts / np.sqrt(own[pairs.sources] * own[pairs.rows])
        close *= pairs.counts / (pairs.counts + config.near_shrink)
        kept = strongest(pairs.sources, pairs.rows, close, config.neighbours)
        sources.append(pairs.sources[kept])
        rows.append(pairs.rows[kept])
        closeness.append(close[kept])
    ease = ease_lists(gram, regularization=config.ease_lambda, most=config.neighbours, count=liked)
    near = NeighbourLists.of(
        np.concatenate([np.zeros(0, dtype=np.intp), *sources]),
        np.concatenate([np.zeros(0, dtype=np.intp), *rows]),
        np.concatenate([np.zeros(0), *closeness]),
        liked,
    )
    return ease, near, support


def _arrivals(
    ids: Sequence[str], previous: CollectiveStatistics | None, now_ms: int
) -> npt.NDArray[np.int64]:
    """When each item came, as the statistics before knew, or else just now."""
    arrived = np.zeros(len(ids), dtype=np.int64)
    if previous is None or not len(previous.arrays.ids):
        return arrived
    before = previous.arrays
    found: Rows = before.lookup.find(before.ids, list(ids))
    arrived[found >= 0] = before.arrived_ms[found[found >= 0]]
    arrived[found < 0] = now_ms
    return arrived


def _fresh(
    arrived_ms: npt.NDArray[np.int64],
    impressions: npt.NDArray[np.int64],
    now_ms: int,
    config: CollectiveConfig,
) -> Numbers:
    """The new items, the least shown first."""
    since_ms = now_ms - round(config.new_days * MS_PER_DAY)
    new = np.flatnonzero((arrived_ms > 0) & (arrived_ms >= since_ms))
    return new[np.argsort(impressions[new], kind="stable")][:_FRESH].astype(np.int32)


def _version(arrays: CollectiveArrays, figures: CollectiveFigures) -> str:
    """Twelve hex digits of everything but the time of counting."""
    digest = hashlib.blake2b(digest_size=6)
    digest.update(msgspec.json.encode(msgspec.structs.replace(figures, counted_at_ms=0)))
    for name, array in named_arrays(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
