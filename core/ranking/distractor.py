"""A deliberately off-profile item, so that a visitor also meets what they would not choose."""

from collections.abc import Collection, Sequence

import numpy as np

from core.config import DistractorConfig
from core.content import Content
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
    items: Sequence[Content],
    taken: Collection[str],
    signals: UserSignals,
    config: DistractorConfig,
    seed: int,
) -> Content | None:
    """Draw one of `items` by the configured strategy, None where nothing is off-profile.

    `taken` are the ids that the list already shows above the distractor.
    """
    free = sorted((item for item in items if item.id not in taken), key=lambda item: item.id)
    if config.strategy == "max_dissimilar":
        free = _farthest(free, signals, config.farthest)
    elif config.strategy == "unexplored_theme":
        free = _unexplored(free, signals, config.theme_facet)
    return choose(free, seed, "distractor item") if free else None


def distractor_rank(seed: int) -> int:
    """Rank 3 or 4."""
    return choose(RANKS, seed, "distractor rank")


def _farthest(items: list[Content], signals: UserSignals, count: int) -> list[Content]:
    if not items or not signals.taste_vector:
        return items
    taste = to_grid(unpack(signals.taste_vector))
    closeness = cosines(np.stack([item.vector for item in items]), taste[None, :])[:, 0]
    order = sorted(range(len(items)), key=lambda index: (closeness[index], items[index].id))
    return [items[index] for index in order[:count]]


def _unexplored(items: list[Content], signals: UserSignals, facet: str) -> list[Content]:
    """Items whose themes the visitor has no liking for yet."""
    theme = facet_key(f"{facet}:")
    known = {tag_key(tag) for tag in signals.tag_affinity}
    return [
        item
        for item in items
        if (themes := {tag_key(tag) for tag in item.tags if facet_key(tag) == theme})
        and not themes & known
    ]
