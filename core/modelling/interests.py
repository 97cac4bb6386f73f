"""From liked and disliked items to the tags behind them."""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from core.config import SignalsConfig
from core.content import Content
from core.modelling.rounding import to_thousandths
from core.tags import tag_key


class TagPart(msgspec.Struct, frozen=True, kw_only=True):
    """What one item, or one answer where `content_id` is None, gave to a tag.

    `given` is `strength` times `tag_weight`, the weight of the tag at the item.
    """

    content_id: str | None
    tag: str
    strength: float
    tag_weight: float
    given: float


class TagTrail(msgspec.Struct, kw_only=True):
    """Where the weights of tags come from. The parts of a tag add up to its total.

    Shape: `parts` by `tag_key`; a tag's weight is its total divided by `scale`.
    """

    parts: dict[str, list[TagPart]] = msgspec.field(default_factory=dict)
    scale: float = 1.0

    def add(self, key: str, part: TagPart) -> None:
        """Keep one part."""
        self.parts.setdefault(key, []).append(part)


def tag_weights(
    strengths: Mapping[str, float],
    contents: Mapping[str, Content],
    seeds: Mapping[str, float],
    config: SignalsConfig,
    trail: TagTrail | None = None,
) -> dict[str, float]:
    """The strongest tags of the given items, scaled to [0, 1], strongest first.

    Two spellings of a tag are one; the alphabetically first is shown. Where it
    all comes from is written into `trail`, if one is given.
    """
    totals: dict[str, float] = {}
    spelling: dict[str, str] = {}
    for item, strength, tags, keyed_tags in _sources(strengths, contents, seeds):
        for tag, (key, weight) in zip(tags, keyed_tags, strict=True):
            given = strength * weight
            if key not in totals:
                totals[key], spelling[key] = given, tag
            else:
                totals[key] += given
                if tag != spelling[key]:
                    spelling[key] = min(spelling[key], tag)
            if trail is not None:
                trail.add(
                    key,
                    TagPart(
                        content_id=item, tag=tag, strength=strength, tag_weight=weight, given=given
                    ),
                )
    strongest = max(totals.values(), default=0.0)
    if strongest <= 0:
        return {}
    scale = max(strongest, 1.0) if config.scale == "evidence" else strongest
    if trail is not None:
        trail.scale = scale
    ranked = sorted((-total, spelling[key]) for key, total in totals.items())
    scaled = ((tag, to_thousandths(-total / scale)) for total, tag in ranked[: config.top_tags])
    return {tag: value for tag, value in scaled if value > 0}


def _sources(
    strengths: Mapping[str, float],
    contents: Mapping[str, Content],
    seeds: Mapping[str, float],
) -> Iterator[tuple[str | None, float, Iterable[str], Iterable[tuple[str, float]]]]:
    """What brings tags, each with its strength, in an order that sums alike everywhere."""
    answered = sorted(seeds)
    yield None, 1.0, answered, [(tag_key(tag), seeds[tag]) for tag in answered]
    for item in sorted(strengths):
        if (content := contents.get(item)) is not None:
            yield item, abs(strengths[item]), content.tags, content.keyed_tags
