"""What a variant earns more than another, with an interval that one may look at every day.

A usual interval is right for one look at a number of people that was fixed before;
who looks until it pleases is wrong far too often. This one holds at all times at
once. A person counts once, by their first day in the experiment, so that people are
independent of each other and none of them changes later.
Source: I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 2024,
theorem 2.2 (its boundary) and section 3 (its use for experiments).
"""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.evaluating.estimators import Interval
from core.vectors import Floats

ALPHA = 0.05
FIRST_MS = 86_400_000
"""How much of each person counts."""
_TIGHTEST_AT = 2_000
"""People at which the interval is the tightest for their number; it holds at all others too."""
_LEAST_PEOPLE = 100
"""Of each variant: the limit theorem is one."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of an experiment, and how much of it was opened."""

    person: str
    variant: str
    at_ms: int
    opened: int


class Uplift(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant earns, and how much more than the first; `more` None: of too few people.

    Units: openings a list, in the mean over people.
    """

    variant: str
    people: int
    earns: float
    more: Interval | None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Someone's first day: openings a list."""

    variant: str
    earned: float


def first_days(answers: Iterable[Seen], *, until_ms: int) -> list[Person]:
    """Everybody whose first day is over, in the order in which they came.

    Who got two variants (settings were changed) is left out.
    """
    first: dict[str, int] = {}
    variant: dict[str, str] = {}
    lists: dict[str, list[int]] = {}
    for one in sorted(answers, key=lambda one: one.at_ms):
        start = first.setdefault(one.person, one.at_ms)
        if variant.setdefault(one.person, one.variant) != one.variant:
            lists.pop(one.person, None)
            continue
        if one.at_ms < start + FIRST_MS:
            lists.setdefault(one.person, []).append(one.opened)
    return [
        Person(variant=variant[person], earned=sum(lists[person]) / len(lists[person]))
        for person, start in first.items()
        if person in lists and start + FIRST_MS <= until_ms
    ]


def uplifts(people: Sequence[Person], variants: Sequence[str]) -> list[Uplift]:
    """Of each variant against the first."""
    control = [one.earned for one in people if one.variant == variants[0]]
    found = []
    for name in variants:
        own = [one.earned for one in people if one.variant == name]
        enough = min(len(own), len(control)) >= _LEAST_PEOPLE and name != variants[0]
        pair = [one for one in people if one.variant in (name, variants[0])]
        found.append(
            Uplift(
                variant=name,
                people=len(own),
                earns=float(np.mean(own)) if own else 0.0,
                more=_difference(pair, name) if enough else None,
            )
        )
    return found


def _difference(people: Sequence[Person], name: str) -> Interval:
    """As of the last person."""
    treated = np.array([one.variant == name for one in people])
    earned = np.array([one.earned for one in people])
    middle, radius = confidence_sequence(treated, earned)
    value = float(earned[treated].mean() - earned[~treated].mean())
    return Interval(
        value=value, low=float(middle[-1] - radius[-1]), high=float(middle[-1] + radius[-1])
    )


def confidence_sequence(
    treated: npt.NDArray[np.bool_], earned: Floats, alpha: float = ALPHA
) -> tuple[Floats, Floats]:
    """The difference of two means after each person, and how far it may be off.

    Each person is one estimate of it: the difference of the means so far, corrected
    by what this person adds to theirs by the odds of having got their variant.
    """
    count = np.arange(1, len(earned) + 1)
    share = float(treated.mean())
    sides = []
    for own, odds in ((treated, share), (~treated, 1.0 - share)):
        before = np.concatenate([[0.0], np.cumsum(own * earned)[:-1]])
        people = np.concatenate([[0], np.cumsum(own)[:-1]])
        mean = before / np.maximum(people, 1)
        sides.append(mean + own * (earned - mean) / odds)
    estimates = sides[0] - sides[1]
    middle = np.cumsum(estimates) / count
    variance = np.maximum(np.cumsum(estimates**2) / count - middle**2, 1e-12)
    return middle, np.sqrt(variance) * boundary(count, alpha)


def boundary(count: npt.NDArray[np.int_], alpha: float = ALPHA) -> Floats:
    """In standard deviations of one person."""
    said = -2.0 * np.log(alpha)
    rho2 = (said + np.log(said + 1.0)) / _TIGHTEST_AT
    grown = count * rho2 + 1.0
    width: Floats = np.sqrt(2.0 * grown / (count**2 * rho2) * np.log(np.sqrt(grown) / alpha))
    return width
