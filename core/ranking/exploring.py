"""Draws an order from scores, so that what an order does to its items can be learned.

The greatest of scores with Gumbel noise is a draw by their softmax, the order of
all a draw without replacement. Source: J. Yellott, "The relationship between
Luce's choice axiom and the double exponential distribution", 1977.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.ranking.context import Exploration
from core.ranking.draw import seed_of
from core.ranking.fusion import MICRO, Micros


def perturbed(total: Micros, exploration: Exploration | None) -> Micros:
    """The scores with this exploration's noise, one draw a candidate in their order.

    Shape: (n,). Units: millionths; rounded, for a logarithm's last digits differ from
    machine to machine.
    """
    if exploration is None or exploration.kind != "gumbel":
        return total
    noise = generator(exploration.seed, "gumbel").gumbel(size=len(total))
    return total + np.rint(noise * (exploration.temperature * MICRO)).astype(np.int64)


def drawn_weights(
    mean: Mapping[str, float], factor: Sequence[Sequence[float]], seed: int
) -> dict[str, float]:
    """Weights drawn from N(mean, factor factor'), in whole millionths.

    Shape: `factor` the rows of a Cholesky factor up to its diagonal, by the order of `mean`.
    """
    normal = generator(seed, "thompson").standard_normal(len(mean))
    return {
        name: round(weight + float(np.dot(row, normal[: len(row)])), 6)
        for (name, weight), row in zip(mean.items(), factor, strict=True)
    }


def generator(seed: int, *parts: str) -> np.random.Generator:
    """Numbers that only the arguments decide, the same on every machine."""
    return np.random.Generator(np.random.PCG64(seed_of(str(seed), *parts)))
