"""What others liked next: from each item to those liked soon after it, in the same visit."""

import numpy as np
import numpy.typing as npt

from core.collective.lists import NeighbourLists, strongest
from core.collective.readings import Readings
from core.config import CollectiveConfig

_STEPS = 10
"""So many readings further nobody remembers where it began."""


def transition_lists(readings: Readings, count: int, config: CollectiveConfig) -> NeighbourLists:
    """The strongest transitions of every item, as lists of `count` rows.

    A transition counts less with every reading in between, and is divided by how
    often both of its ends have any, so that what everybody reads is no next of all.
    """
    keys, weights = _transitions(readings, count, config)
    sources, rows = keys // count, keys % count
    leaving = np.bincount(sources, weights=weights, minlength=count)
    arriving = np.bincount(rows, weights=weights, minlength=count)
    closeness = weights / np.sqrt(leaving[sources] * arriving[rows])
    closeness *= weights / (weights + config.near_shrink)
    kept = strongest(sources, rows, closeness, config.neighbours)
    return NeighbourLists.of(sources[kept], rows[kept], closeness[kept], count)


def _transitions(
    readings: Readings, count: int, config: CollectiveConfig
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """From which row to which (as source * count + row), and how often. Shape: both (k,)."""
    gap_ms, owners = round(config.next_within_s * 1000), readings.owners
    keys = np.zeros(0, dtype=np.intp)
    weights: npt.NDArray[np.float64] = np.zeros(0)
    for step in range(1, _STEPS + 1):
        # Latest first: what was read so many steps before stands so many places behind.
        here, before = slice(None, -step), slice(step, None)
        soon = readings.ts_ms[here] - readings.ts_ms[before] <= gap_ms
        apart = readings.items[here] != readings.items[before]
        counts = (owners[here] == owners[before]) & soon & apart & readings.liked[here]
        found = readings.items[before][counts].astype(np.intp) * count
        found += readings.items[here][counts]
        each = np.full(len(found), config.next_decay ** (step - 1))
        # Merged step by step, so that no more than two of them are held.
        keys, at = np.unique(np.concatenate([keys, found]), return_inverse=True)
        both = np.concatenate([weights, each])
        weights = np.bincount(at, weights=both, minlength=len(keys)).astype(np.float64, copy=False)
    return keys, weights
