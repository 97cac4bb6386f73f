"""What may be concluded from the estimates, in words; and when nothing may be."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from core.evaluating.estimators import Estimate, Interval

LEAST_SLATES = 10_000
"""Explored slates below which intervals of rare openings are too narrow to believe."""
LEAST_EFFECTIVE = 100.0

Finding = Literal["better", "worse", "alike", "none"]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`none` is no verdict: `sentence` says why."""

    finding: Finding
    sentence: str


def verdict_of(
    name: str, baseline: str, found: Estimate | None, *, explored: int, answers: int
) -> Verdict:
    """By the doubly robust estimate, None where nothing could be estimated."""
    reasons = list(_against(found, explored=explored, answers=answers))
    if reasons or found is None:
        return Verdict(finding="none", sentence=f"No verdict on {name}: {'; '.join(reasons)}.")
    more = found.more
    span = span_of(more)
    if more.low > 0:
        return Verdict(finding="better", sentence=f"{name} does better than {baseline}: {span}.")
    if more.high < 0:
        return Verdict(finding="worse", sentence=f"{name} does worse than {baseline}: {span}.")
    said = f"Between {name} and {baseline} no difference is to be seen: {span}."
    return Verdict(finding="alike", sentence=said)


def span_of(more: Interval) -> str:
    """A difference with where it may lie."""
    return f"{more.value:+.4f} openings a list ({more.low:+.4f} to {more.high:+.4f})"


def _against(found: Estimate | None, *, explored: int, answers: int) -> Iterator[str]:
    """The reasons for which nothing may be concluded."""
    if found is None or not explored:
        yield (
            f"of {answers} answers none was explored that could be weighed, and of what is "
            "always shown in one order nothing is to be learned about others; set "
            "EXPLORATION_SHARE"
        )
        return
    if explored < LEAST_SLATES:
        yield f"{explored} answers were explored, and it takes {LEAST_SLATES}"
    if found.effective_slates < LEAST_EFFECTIVE:
        yield (
            "what it would show was hardly ever shown (as good as "
            f"{found.effective_slates:.0f} lists of its own); ask it in an experiment"
        )
