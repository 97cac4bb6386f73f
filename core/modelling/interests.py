"""From liked and disliked items to the tags behind them."""

from collections.abc import Iterable, Mapping

from core.config import SignalsConfig
from core.content import Content
from core.tags import tag_key

DIGITS = 3
"""Three digits are finer than any evidence here and keep a stored model small."""


def tag_weights(
    strengths: Mapping[str, float],
    contents: Mapping[str, Content],
    seeds: Mapping[str, float],
    config: SignalsConfig,
) -> dict[str, float]:
    """The strongest tags of the given items, scaled to [0, 1], strongest first.

    Two spellings of a tag are one; the alphabetically first is shown.
    """
    totals: dict[str, float] = {}
    spelling: dict[str, str] = {}
    for tag, key, weight in _evidence(strengths, contents, seeds):
        totals[key] = totals.get(key, 0.0) + weight
        if tag < spelling.setdefault(key, tag):
            spelling[key] = tag
    strongest = max(totals.values(), default=0.0)
    if strongest <= 0:
        return {}
    scale = max(strongest, 1.0) if config.scale == "evidence" else strongest
    ranked = sorted(totals, key=lambda key: (-totals[key], spelling[key]))[: config.top_tags]
    scaled = {spelling[key]: round(totals[key] / scale, DIGITS) for key in ranked}
    return {tag: value for tag, value in scaled.items() if value > 0}


def _evidence(
    strengths: Mapping[str, float],
    contents: Mapping[str, Content],
    seeds: Mapping[str, float],
) -> Iterable[tuple[str, str, float]]:
    """Every tag with its key and how much it weighs, in an order that sums alike everywhere."""
    for tag in sorted(seeds):
        yield tag, tag_key(tag), seeds[tag]
    for item in sorted(strengths):
        if (content := contents.get(item)) is not None:
            strength = abs(strengths[item])
            for tag, (key, weight) in zip(content.tags, content.keyed_tags, strict=True):
                yield tag, key, strength * weight
