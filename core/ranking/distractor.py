"""A deliberately off-profile item, so that a visitor also meets what they would not choose."""

import numpy as np

from core.columns import ContentRows
from core.config import DistractorConfig
from core.ranking.draw import choose, draw
from core.recommendation import RecommendRequest
from core.signals import UserSignals
from core.tags import facet_key, tag_key
from core.vectors import cosines, to_grid, unpack

RANKS = (3, 4)
"""Below the two best, above the fold."""


def wanted(request: RecommendRequest, config: DistractorConfig, seed: int) -> bool:
    """Whether this answer carries a distractor: the request decides, else the setting."""
    if request.distractor is not None:
        return request.distractor
    return draw(seed, "distractor") < config.probability


def pick_distractor(
    items: ContentRows,
    signals: UserSignals,
    config: DistractorConfig,
    seed: int,
) -> ContentRows:
    """Draw one of `items` by the configured strategy, none where nothing is off-profile."""
    free = items.take(np.argsort(items.columns.order[items.rows]))
    if config.strategy == "max_dissimilar":
        free = _farthest(free, signals, config.farthest)
    elif config.strategy == "unexplored_theme":
        free = _unexplored(free, signals, config.theme_facet)
    if not len(free):
        return free
    return free.take([choose(range(len(free)), seed, "distractor item")])


def distractor_rank(seed: int) -> int:
    """Rank 3 or 4."""
    return choose(RANKS, seed, "distractor rank")


def _farthest(items: ContentRows, signals: UserSignals, count: int) -> ContentRows:
    if not len(items) or not signals.taste_vector:
        return items
    taste = to_grid(unpack(signals.taste_vector))
    closeness = cosines(items.vectors, taste[None, :])[:, 0]
    return items.take(np.argsort(closeness, kind="stable")[:count])


def _unexplored(items: ContentRows, signals: UserSignals, facet: str) -> ContentRows:
    """Items whose themes the visitor has no liking for yet."""
    theme = facet_key(f"{facet}:")
    known = {tag_key(tag) for tag in signals.tag_affinity}
    themes = [{tag_key(tag) for tag in item.tags if facet_key(tag) == theme} for item in items]
    return items.take([index for index, own in enumerate(themes) if own and not own & known])
