"""What all visitors together say about items: covisit, popularity, and a try for the new ones.

Each speaks as far as there is evidence for it. With none it is left out, and the
ranking is what content alone makes it.
"""

import msgspec
import numpy as np

from core.collective.collective import Collective, Covisits, spread
from core.columns import ContentRows
from core.config import CovisitConfig
from core.ranking.pool import CandidatePool
from core.vectors import Floats


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics, what they say to the visitor, and the greatest that a candidate has of it.

    Shape: `fresh` the new items that the list tries.
    """

    collective: Collective
    covisits: Covisits | None
    ease_most: float
    near_most: float
    fresh: ContentRows
    config: CovisitConfig

    @property
    def certainty(self) -> float:
        """How much covisit is to be trusted, in [0, 1)."""
        return 0.0 if self.covisits is None else self.covisits.certainty


def crowd_of(pool: CandidatePool, config: CovisitConfig) -> Crowd | None:
    """None where nobody is known to like anything."""
    collective, covisits = pool.collective, pool.covisits
    if collective is None or not collective.has_likes:
        return None
    ease_most = near_most = 0.0
    if covisits is not None:
        rows = collective.liked_rows(pool.candidates.items)
        ease_most = float(spread(covisits.ease, rows).max(initial=0.0))
        near_most = float(spread(covisits.near, rows).max(initial=0.0))
    return Crowd(
        collective=collective,
        covisits=covisits,
        ease_most=ease_most,
        near_most=near_most,
        fresh=pool.fresh,
        config=config,
    )


def score_crowd(items: ContentRows, crowd: Crowd) -> dict[str, Floats | None]:
    """The values of the scorers that come from everybody. Shape: scorer name to (len(items),)."""
    return {
        "covisit": _covisit(items, crowd),
        "popularity": _popularity(items, crowd),
        "novelty": _novelty(items, crowd),
    }


def _covisit(items: ContentRows, crowd: Crowd) -> Floats | None:
    """How much the likers of what the visitor likes, likes of late above all, like each."""
    covisits = crowd.covisits
    if covisits is None:
        return None
    rows = crowd.collective.liked_rows(items)
    ease = _share(spread(covisits.ease, rows), crowd.ease_most)
    near = _share(spread(covisits.near, rows), crowd.near_most)
    mixed = crowd.config.ease_share * ease + (1.0 - crowd.config.ease_share) * near
    return covisits.certainty * mixed


def _popularity(items: ContentRows, crowd: Crowd) -> Floats:
    trusted = (1.0 - crowd.certainty) * crowd.collective.popularity_certainty
    return trusted * crowd.collective.popularity(items)


def _novelty(items: ContentRows, crowd: Crowd) -> Floats | None:
    """The less a new item was shown, the more; of those only that this list tries."""
    at = items.locate(crowd.fresh)
    at = at[at >= 0]
    if not len(at):
        return None
    values = np.zeros(len(items))
    most = crowd.config.new_impressions
    values[at] = most / (most + crowd.collective.impressions(items.take(at)))
    return values


def _share(values: Floats, most: float) -> Floats:
    """Of the greatest, in [0, 1]: what speaks against an item is left to the others."""
    return np.clip(values / most, 0.0, 1.0) if most > 0 else np.zeros(len(values))
