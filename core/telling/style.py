"""How a visitor reads, in words: from the figures of `Behavior` to sentences."""

from collections.abc import Iterator, Sequence

import msgspec

from core.modelling.engagement import FULL_READ
from core.signals import Behavior
from core.telling.explanation import EngagementStyle, StyleSentence


class Grade(msgspec.Struct, frozen=True):
    """What is said where a figure is at least `least`."""

    least: float
    says: str


# From the highest down; the first that is reached is said. `{}` is the figure:
# a share as a percentage. The reading time is at a dwell ratio of one half.
DWELL: Sequence[Grade] = (
    Grade(0.75, "takes half as long again as a story's reading time, or longer"),
    Grade(FULL_READ * 0.8, "takes about the reading time of a story"),
    Grade(FULL_READ * 0.4, "reads parts: {} of the reading time"),
    Grade(0.0, "skims: {} of the reading time"),
)
COMPLETION: Sequence[Grade] = (
    Grade(0.6, "goes on from most stories to the next one or by a link ({})"),
    Grade(0.3, "goes on from some stories to the next one or by a link ({})"),
    Grade(0.0, "mostly closes or leaves stories; goes on from {}"),
)
REVISIT: Sequence[Grade] = (
    Grade(0.3, "often comes back to stories ({} of those viewed)"),
    Grade(0.1, "comes back to some stories ({} of those viewed)"),
    Grade(0.0, "seldom comes back to a story ({} of those viewed)"),
)
OPENED: Sequence[Grade] = (
    Grade(0.5, "opens most of what is shown ({})"),
    Grade(0.2, "opens some of what is shown ({})"),
    Grade(0.0, "seldom opens what is shown ({})"),
)
_FEW = 3
"""Of fewer items nothing is said: one closed story is no habit."""


def style_of(behavior: Behavior) -> EngagementStyle:
    """The sentences for which there is enough to go on, and the figures."""
    return EngagementStyle(sentences=tuple(_sentences(behavior)), figures=behavior)


def _sentences(one: Behavior) -> Iterator[StyleSentence]:
    if one.items >= _FEW:
        if (ratio := one.average_dwell_ratio) is not None:
            yield _said(DWELL, "average_dwell_ratio", ratio, shown=ratio / FULL_READ)
        if (rate := one.completion_rate) is not None:
            yield _said(COMPLETION, "completion_rate", rate, shown=rate)
        if (rate := one.revisit_rate) is not None:
            yield _said(REVISIT, "revisit_rate", rate, shown=rate)
    if one.impressions and one.items + one.impressions >= _FEW:
        share = one.items / (one.items + one.impressions)
        yield _said(OPENED, "opened_share", share, shown=share)


def _said(grades: Sequence[Grade], figure: str, value: float, *, shown: float) -> StyleSentence:
    grade = next(grade for grade in grades if value >= grade.least)
    return StyleSentence(says=grade.says.format(f"{shown:.0%}"), figure=figure, value=value)
