"""What all visitors together say about items, and a try for the new ones.

Each scorer speaks as far as there is evidence for it. With none it is left out,
and the ranking is what content alone makes it.
"""

from collections.abc import Iterable

import msgspec
import numpy as np

from core.collective.collective import Collective, Covisits, Lookup, spread
from core.columns import ContentRows
from core.config import CovisitConfig
from core.ragged import Rows
from core.ranking.pool import CandidatePool
from core.vectors import Floats


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """The statistics, what they say to the visitor, and the most of it that a candidate has.

    Shape: `fresh` the new items that the list tries.
    """

    collective: Collective
    covisits: Covisits | None
    likes_most: tuple[float, ...]
    views_most: tuple[float, ...]
    next_most: float
    fresh: ContentRows
    config: CovisitConfig

    @property
    def certainty(self) -> float:
        """How much what it says to the visitor is to be trusted, in [0, 1)."""
        return 0.0 if self.covisits is None else self.covisits.certainty


def crowd_of(pool: CandidatePool, config: CovisitConfig) -> Crowd | None:
    """None where nobody is known to have read anything."""
    collective, covisits = pool.collective, pool.covisits
    if collective is None or collective.is_empty:
        return None
    likes = views = None
    following: Floats = np.zeros(0)
    if covisits is not None:
        likes, views, following = covisits.likes, covisits.views, covisits.next
    rows = collective.read_rows(pool.candidates.items)
    return Crowd(
        collective=collective,
        covisits=covisits,
        likes_most=_most(() if likes is None else likes.said, rows),
        views_most=_most(() if views is None else views.said, rows),
        next_most=sum(_most((following,), rows)),
        fresh=pool.fresh,
        config=config,
    )


def score_crowd(items: ContentRows, crowd: Crowd) -> dict[str, Floats | None]:
    """The values of the scorers that come from everybody. Shape: scorer name to (len(items),)."""
    rows = crowd.collective.read_rows(items)
    arrays, covisits, share = crowd.collective.arrays, crowd.covisits, crowd.config.ease_share
    trusted = (1.0 - crowd.certainty) * crowd.collective.popularity_certainty
    scores: dict[str, Floats | None] = {}
    if covisits is not None:
        scores["covisit"] = _paired(covisits.likes, crowd.likes_most, rows, share)
        scores["coview"] = _paired(covisits.views, crowd.views_most, rows, share)
        scores["next"] = _next(covisits, crowd.next_most, rows)
        scores["common"] = _common(crowd, rows)
    scores["popularity"] = trusted * spread(arrays.popularity, rows)
    scores["quality"] = crowd.collective.popularity_certainty * spread(arrays.quality, rows)
    scores["novelty"] = _novelty(items, crowd)
    return scores


def _paired(
    lookup: Lookup | None, most: tuple[float, ...], rows: Rows, ease_share: float
) -> Floats | None:
    """How much those who have the same, of late above all, have each."""
    if lookup is None:
        return None
    ease, near = (
        _share(spread(said, rows), greatest)
        for said, greatest in zip(lookup.said, most, strict=True)
    )
    return lookup.certainty * (ease_share * ease + (1.0 - ease_share) * near)


def _next(covisits: Covisits, most: float, rows: Rows) -> Floats | None:
    """What was liked soon after what was read in this visit."""
    if covisits.views is None:
        return None
    return covisits.certainty * _share(spread(covisits.next, rows), most)


def _common(crowd: Crowd, rows: Rows) -> Floats | None:
    """How much most like it, as far as this visit says something better.

    Who has read on past the best known has passed them over, and what goes with an
    item anyway goes with the best known first.
    """
    views = None if crowd.covisits is None else crowd.covisits.views
    if views is None:
        return None
    trusted = views.certainty * crowd.collective.popularity_certainty
    return trusted * spread(crowd.collective.arrays.popularity, rows)


def _novelty(items: ContentRows, crowd: Crowd) -> Floats | None:
    """The less a new item was shown, the more; of those only that this list tries."""
    at = items.locate(crowd.fresh)
    at = at[at >= 0]
    if not len(at):
        return None
    values = np.zeros(len(items))
    most = crowd.config.new_impressions
    shown = crowd.collective.arrays.impressions[crowd.collective.rows_of(items.take(at))]
    values[at] = most / (most + shown)
    return values


def _most(said: Iterable[Floats], rows: Rows) -> tuple[float, ...]:
    return tuple(float(spread(one, rows).max(initial=0.0)) for one in said)


def _share(values: Floats, most: float) -> Floats:
    """Of the greatest, in [0, 1]: what speaks against an item is left to the others."""
    return np.clip(values / most, 0.0, 1.0) if most > 0 else np.zeros(len(values))
