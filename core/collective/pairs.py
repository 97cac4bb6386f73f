"""From readings to what pairs of items say: the lists of EASE, and the nearest."""

import numpy as np

from core.collective.cooccurrence import Cooccurrence
from core.collective.ease import Gram, ease_lists
from core.collective.lists import NeighbourLists, strongest
from core.collective.readings import Readings
from core.collective.statistics import PairLists
from core.config import CollectiveConfig


def pair_lists(readings: Readings, count: int, config: CollectiveConfig) -> PairLists:
    """By who has both of a pair. The first `count` items are numbered by their row.

    EASE is solved for the first rows only, as many as the settings allow; the
    nearest are found for all, by the cosine of their readers, shrunk.
    """
    own = np.bincount(readings.items, minlength=count)
    solved = min(count, config.ease_items)
    gram: Gram = np.zeros((solved, solved), dtype=np.float32)
    gram[np.diag_indices(solved)] = own[:solved]
    support = np.zeros(count, dtype=np.int64)
    sources, rows = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)]
    closeness = [np.zeros(0)]
    for pairs in Cooccurrence(readings.starts, readings.items, count).pairs():
        inside = (pairs.sources < solved) & (pairs.rows < solved)
        gram[pairs.sources[inside], pairs.rows[inside]] = pairs.counts[inside]
        np.add.at(support, pairs.sources, pairs.counts)
        close = pairs.counts / np.sqrt(own[pairs.sources] * own[pairs.rows])
        close *= pairs.counts / (pairs.counts + config.near_shrink)
        kept = strongest(pairs.sources, pairs.rows, close, config.neighbours)
        sources.append(pairs.sources[kept])
        rows.append(pairs.rows[kept])
        closeness.append(close[kept])
    return PairLists(
        ease=ease_lists(
            gram, regularization=config.ease_lambda, most=config.neighbours, count=count
        ),
        near=NeighbourLists.of(
            np.concatenate(sources), np.concatenate(rows), np.concatenate(closeness), count
        ),
        support=support,
    )
