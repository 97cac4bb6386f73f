"""`Report`: what a log says of policies and of experiments, for people and for programs."""

from collections.abc import Mapping

import msgspec

from core.evaluating.estimators import Estimate
from core.evaluating.online import Uplift
from core.evaluating.verdict import Verdict


class PolicyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A policy's estimates, none where nothing was explored.

    `verdict` is that on it against the first policy, which has none itself.
    """

    name: str
    estimates: tuple[Estimate, ...]
    verdict: Verdict | None


class ExperimentReport(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment's variants; the others are compared with the first."""

    name: str
    variants: tuple[Uplift, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `left_out` are explored answers that could not be weighed, by why.

    Units: Unix milliseconds; openings a list.
    """

    from_ms: int
    to_ms: int
    answers: int
    opened: int
    explored: int
    weighed: int
    left_out: Mapping[str, int]
    policies: tuple[PolicyReport, ...]
    experiments: tuple[ExperimentReport, ...]
