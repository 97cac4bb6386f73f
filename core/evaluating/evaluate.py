"""`evaluate`: a log and some policies to a report of which does better."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from core.evaluating.estimators import Estimate, estimate
from core.evaluating.explored import ExploredSlate, Target
from core.evaluating.overview import Overview
from core.evaluating.report import PolicyReport, Report
from core.evaluating.rewards import crossed_rewards
from core.evaluating.slates import Slates, Sources
from core.evaluating.verdict import verdict_of
from core.evaluating.weighing import Weigher, tables
from core.learning.logged import LoggedAnswer
from core.policies.policy import SCORERS, Policy
from core.ranking.fusion import Micros
from core.ranking.ranker import WeightedSum
from core.vectors import Floats

MOST_SLATES = 30_000
"""Weighed at some milliseconds each; more would hardly narrow an interval."""
Log = Callable[[], Iterable[LoggedAnswer]]


def evaluate(log: Log, policies: Sequence[Policy], sources: Sources, *, seed: int) -> Report:
    """Read the log three times: to count, to learn a model of openings, to weigh.

    The others are compared with the first policy.
    """
    seen = Overview(log())
    slates = Slates(SCORERS, sources)
    share = min(1.0, MOST_SLATES / max(seen.explored, 1))

    def some() -> Iterator[ExploredSlate]:
        draws = np.random.default_rng(seed)
        return (one for one in slates.of(log()) if share == 1.0 or draws.random() < share)

    weighed, found = _weigh(some, policies, seed) if seen.explored else (0, {})
    return Report(
        from_ms=seen.from_ms,
        to_ms=seen.to_ms,
        answers=seen.answers,
        opened=seen.opened,
        explored=seen.explored,
        weighed=weighed,
        left_out=dict(slates.left_out),
        policies=tuple(
            _told(policy, policies[0], found.get(policy.name, ()), weighed, seen)
            for policy in policies
        ),
        experiments=seen.experiments(),
    )


def _weigh(
    some: Callable[[], Iterable[ExploredSlate]], policies: Sequence[Policy], seed: int
) -> tuple[int, Mapping[str, tuple[Estimate, ...]]]:
    """How many slates there were, and the estimates by the policies' names."""
    static = {name: getattr(policies[0].config.weights, name) for name in SCORERS}
    expect = crossed_rewards(some(), SCORERS, static)
    random = np.random.default_rng(seed)
    weigher = Weigher([_target(policy) for policy in policies], random)
    made = tables(some(), weigher, expect)
    if not made:
        return 0, {}
    return len(made[policies[0].name].person), estimate(made, policies[0].name, random)


def _target(policy: Policy) -> Target:
    """The policy as it ranks where it does not explore."""
    ranker = policy.ranker or WeightedSum(policy.config.weights)

    def score(values: Floats) -> Micros:
        return ranker.fuse(dict(zip(SCORERS, values.T, strict=True)), len(values)).total

    return Target(name=policy.name, score=score, config=policy.config)


def _told(
    policy: Policy,
    baseline: Policy,
    found: Sequence[Estimate],
    weighed: int,
    seen: Overview,
) -> PolicyReport:
    verdict = None
    if policy is not baseline:
        first = found[0] if found else None
        verdict = verdict_of(
            policy.name, baseline.name, first, explored=weighed, answers=seen.answers
        )
    return PolicyReport(name=policy.name, estimates=tuple(found), verdict=verdict)
