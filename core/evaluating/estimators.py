"""What other policies would have earned, estimated on slates that were drawn.

Doubly robust by item and place: what a model of openings expects, corrected by what
was seen where the log and the target agree. It stays right where either the model
or the propensities are. SNIPS is the correction alone, normalised; RIPS lets an
opening depend on all that stands above it.
Sources: M. Dudik, J. Langford, L. Li, "Doubly robust policy evaluation and learning",
2011; S. Li et al., "Offline evaluation of ranking policies with click models", 2018;
J. McInerney et al., "Counterfactual evaluation of slate recommendations with sequential
reward interactions", 2020; A. Swaminathan, T. Joachims, "The self-normalized estimator
for counterfactual learning", 2015.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from core.evaluating.weighing import Table
from core.vectors import Floats

Method = Literal["dr", "snips", "rips"]
METHODS: tuple[Method, ...] = ("dr", "snips", "rips")
_RESAMPLES = 500
_AT_ONCE = 25
_TAIL = 2.5
"""Percent on either side of an interval of 95 %."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate and where 95 % of resampled people put it. Units: openings a slate."""

    value: float
    low: float
    high: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A policy by one method: what it earns, and how much more than the baseline.

    `effective_slates` is how many slates that were made for it would say as much.
    """

    method: Method
    earns: Interval
    more: Interval
    effective_slates: float


def estimate(
    tables: Mapping[str, Table], baseline: str, random: np.random.Generator
) -> dict[str, tuple[Estimate, ...]]:
    """Every policy by every method. People are resampled, each with all of their slates."""
    people = int(tables[baseline].person.max()) + 1
    sums = {name: _Sums(table, people) for name, table in tables.items()}
    counts = [random.poisson(1.0, size=(_AT_ONCE, people)) for _ in range(_RESAMPLES // _AT_ONCE)]
    once = np.ones((1, people))
    found: dict[str, list[Estimate]] = {name: [] for name in tables}
    for method in METHODS:
        drawn = {
            name: np.concatenate([own.values(some, method) for some in counts])
            for name, own in sums.items()
        }
        value = {name: float(own.values(once, method)[0]) for name, own in sums.items()}
        for name, table in tables.items():
            found[name].append(
                Estimate(
                    method=method,
                    earns=_interval(value[name], drawn[name]),
                    more=_interval(value[name] - value[baseline], drawn[name] - drawn[baseline]),
                    effective_slates=_effective(table, method),
                )
            )
    return {name: tuple(own) for name, own in found.items()}


class _Sums:
    """A table's sums by person: an estimate of resampled people is made of nothing else."""

    def __init__(self, table: Table, people: int) -> None:
        corrected = table.direct + table.weight * (table.reward - table.expected)
        columns = np.concatenate(
            [
                np.ones((len(table.person), 1)),
                corrected.sum(axis=1, keepdims=True),
                table.there,
                table.weight,
                table.weight * table.reward,
                table.cascade,
                table.cascade * table.reward,
            ],
            axis=1,
        )
        self._places = table.there.shape[1]
        self._sums = np.zeros((people, columns.shape[1]))
        np.add.at(self._sums, table.person, columns)

    def values(self, counts: npt.NDArray[np.number], method: Method) -> Floats:
        """What a slate earns where each person came so often. Shape: (b, people) to (b,)."""
        sums = counts.astype(np.float64) @ self._sums
        slates = np.maximum(sums[:, 0], 1.0)
        if method == "dr":
            earned: Floats = sums[:, 1] / slates
            return earned
        there, weight, weighted, cascade, cascaded = np.split(
            sums[:, 2:], np.arange(1, 5) * self._places, axis=1
        )
        if method == "rips":
            weight, weighted = cascade, cascaded
        mean = np.divide(weighted, weight, out=np.zeros_like(weight), where=weight > 0)
        normalised: Floats = (mean * there).sum(axis=1) / slates
        return normalised


def _interval(value: float, drawn: Floats) -> Interval:
    low, high = np.percentile(drawn, [_TAIL, 100.0 - _TAIL]).tolist()
    return Interval(value=value, low=low, high=high)


def _effective(table: Table, method: Method) -> float:
    """Kish's number, in the mean over the places."""
    weight = table.cascade if method == "rips" else table.weight
    squares = (weight * weight).sum(axis=0)
    size = np.divide(
        weight.sum(axis=0) ** 2, squares, out=np.zeros_like(squares), where=squares > 0
    )
    return float(size.mean())
