"""Weighs logged slates by how much likelier another policy would have shown them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.evaluating.cascade import logged_choices, target_choices
from core.evaluating.explored import ExploredSlate, Target
from core.evaluating.propensities import logged_propensities, target_propensities
from core.vectors import Floats

MOST_WEIGHT = 50.0
"""What is so much likelier elsewhere was hardly ever drawn: it says little for its noise."""
RewardModel = Callable[[Floats, int], Floats]
"""The expected openings of candidates at a place. Shape: (n, features) to (n,)."""


class Weighed(msgspec.Struct, frozen=True, kw_only=True):
    """One slate under one target.

    Shape: all (k,), by place. `weight` is that of the item at its place by itself,
        `cascade` that of it and all above it, `direct` what is expected of the target at
        the place, `expected` what was of the item that was shown there.
    """

    weight: Floats
    cascade: Floats
    direct: Floats
    expected: Floats


class Weigher:
    """Weighs slates under several targets, each slate's draws made but once."""

    def __init__(self, targets: Sequence[Target], random: np.random.Generator) -> None:
        """`random` makes the draws."""
        self._targets = targets
        self._random = random

    def weigh(self, slate: ExploredSlate, expect: RewardModel) -> Mapping[str, Weighed]:
        """By the targets' names."""
        places = np.arange(len(slate.shown))
        logged = logged_propensities(slate, self._random)
        shown = logged[places, slate.shown]
        choices = logged_choices(slate)
        expected = np.stack([expect(slate.values, place) for place in places.tolist()])
        found = {}
        for target in self._targets:
            wanted = target_propensities(slate, target, self._random)
            ratio = np.cumsum(target_choices(slate, target) - choices)
            found[target.name] = Weighed(
                weight=np.minimum(wanted[places, slate.shown] / shown, MOST_WEIGHT),
                cascade=np.exp(np.minimum(ratio, np.log(MOST_WEIGHT))),
                direct=(wanted * expected).sum(axis=1),
                expected=expected[places, slate.shown],
            )
        return found


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """All slates under one target, people numbered.

    Shape: `person` (slates,), all others (slates, places); `there` says which places a
        slate has.
    """

    person: npt.NDArray[np.intp]
    there: Floats
    reward: Floats
    weight: Floats
    cascade: Floats
    direct: Floats
    expected: Floats


def tables(
    slates: Iterable[ExploredSlate], weigher: Weigher, expect: Callable[[str], RewardModel]
) -> dict[str, Table]:
    """By the targets' names. `expect` gives the reward model for somebody, learned of others."""
    people: dict[str, int] = {}
    owners: list[int] = []
    rewards: list[Floats] = []
    rows: dict[str, list[Weighed]] = {}
    for slate in slates:
        owners.append(people.setdefault(slate.person, len(people)))
        rewards.append(slate.opened.astype(np.float64))
        for name, weighed in weigher.weigh(slate, expect(slate.person)).items():
            rows.setdefault(name, []).append(weighed)
    places = max(map(len, rewards), default=0)
    return {
        name: Table(
            person=np.array(owners, dtype=np.intp),
            there=_padded([np.ones(len(one)) for one in rewards], places),
            reward=_padded(rewards, places),
            weight=_padded([one.weight for one in own], places),
            cascade=_padded([one.cascade for one in own], places),
            direct=_padded([one.direct for one in own], places),
            expected=_padded([one.expected for one in own], places),
        )
        for name, own in rows.items()
    }


def _padded(rows: Sequence[Floats], places: int) -> Floats:
    """Nothing at the places that a slate has not."""
    made = np.zeros((len(rows), places))
    for at, row in enumerate(rows):
        made[at, : len(row)] = row
    return made
