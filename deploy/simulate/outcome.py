"""What came of it: what each arm earned in each round, with intervals over visitors."""

from collections.abc import Sequence

import msgspec
import numpy as np

from deploy.simulate.visits import Shown

_RESAMPLED = 1000
_SEED = 1
_LOW, _HIGH = 2.5, 97.5


class ArmRound(msgspec.Struct, frozen=True, kw_only=True):
    """One arm in one round.

    `earns` are openings a list in the mean, `regret` how many more the best list
    had, `share` what of the best there was, from `low` to `high` for 95 % of
    resampled visitors: visitors differ more in how much they open than arms do.
    """

    arm: str
    round: int
    lists: int
    visitors: int
    earns: float
    regret: float
    share: float
    low: float
    high: float


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The learning curve, and the offline estimates of the same policies where they were asked."""

    curve: tuple[ArmRound, ...]
    offline: dict[str, float] = {}

    def last(self) -> dict[str, ArmRound]:
        """Each arm in the last round."""
        last = max(one.round for one in self.curve)
        return {one.arm: one for one in self.curve if one.round == last}


def arm_round(arm: str, number: int, shown: Sequence[Shown]) -> ArmRound:
    """The figures of these lists."""
    by_visitor: dict[str, list[Shown]] = {}
    for one in shown:
        by_visitor.setdefault(one.user_id, []).append(one)
    sums = np.array([sum(one.earns for one in lists) for lists in by_visitor.values()])
    best = np.array([sum(one.best for one in lists) for lists in by_visitor.values()])
    draw = np.random.default_rng(_SEED)
    chosen = draw.integers(len(sums), size=(_RESAMPLED, len(sums)))
    shares = sums[chosen].sum(axis=1) / best[chosen].sum(axis=1)
    low, high = np.percentile(shares, [_LOW, _HIGH])
    return ArmRound(
        arm=arm,
        round=number,
        lists=len(shown),
        visitors=len(by_visitor),
        earns=float(sums.sum() / len(shown)),
        regret=float((best.sum() - sums.sum()) / len(shown)),
        share=float(sums.sum() / best.sum()),
        low=float(low),
        high=float(high),
    )


def curve_of(rounds: Sequence[Sequence[Shown]]) -> tuple[ArmRound, ...]:
    """Every arm in every round; a list whose order was drawn is a price, and no arm's."""
    found = []
    for number, shown in enumerate(rounds, start=1):
        for arm in sorted({one.arm for one in shown}):
            own = [one for one in shown if one.arm == arm and not one.is_explored]
            if own:
                found.append(arm_round(arm, number, own))
    return tuple(found)
