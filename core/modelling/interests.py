"""From liked and disliked items to the tags behind them."""

from collections.abc import Iterable, Iterator, Mapping

from core.config import SignalsConfig
from core.content import Content
from core.modelling.rounding import to_thousandths
from core.tags import tag_key


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
    for strength, tags, keyed_tags in _sources(strengths, contents, seeds):
        for tag, (key, weight) in zip(tags, keyed_tags, strict=True):
            if key not in totals:
                totals[key], spelling[key] = strength * weight, tag
            else:
                totals[key] += strength * weight
                if tag != spelling[key]:
                    spelling[key] = min(spelling[key], tag)
    strongest = max(totals.values(), default=0.0)
    if strongest <= 0:
        return {}
    scale = max(strongest, 1.0) if config.scale == "evidence" else strongest
    ranked = sorted((-total, spelling[key]) for key, total in totals.items())
    scaled = ((tag, to_thousandths(-total / scale)) for total, tag in ranked[: config.top_tags])
    return {tag: value for tag, value in scaled if value > 0}


def _sources(
    strengths: Mapping[str, float],
    contents: Mapping[str, Content],
    seeds: Mapping[str, float],
) -> Iterator[tuple[float, Iterable[str], Iterable[tuple[str, float]]]]:
    """What brings tags, each with its strength, in an order that sums alike everywhere."""
    answered = sorted(seeds)
    yield 1.0, answered, [(tag_key(tag), seeds[tag]) for tag in answered]
    for item in sorted(strengths):
        if (content := contents.get(item)) is not None:
            yield abs(strengths[item]), content.tags, content.keyed_tags
