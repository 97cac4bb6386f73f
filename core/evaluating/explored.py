"""`ExploredSlate`: an answer whose order was drawn, with all that it was drawn from."""

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from core.config import RankingConfig
from core.ranking.fusion import Micros
from core.vectors import Floats, GridMatrix

Indices = npt.NDArray[np.intp]


class ExploredSlate(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown, what could have been, and what was opened. `config` is what ranked it.

    Shape: `scores` (n,) of the candidates, without the noise; `values` (n, features), what
        the scorers said of them; `vectors` (n, dim), None for those whose order MMR had no
        part in; `shown` (k,) the candidates at the places that scores fill, in their order;
        `opened` (k,). Pinned items, distractors and revisits are no such places: whatever
        the scores say, they are there.
    Units: `scores` millionths, `temperature` in those of the score.
    """

    person: str
    at_ms: int
    temperature: float
    config: RankingConfig
    scores: Micros
    values: Floats
    vectors: GridMatrix | None
    shown: Indices
    opened: npt.NDArray[np.bool_]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A policy that is asked after: how it scores candidates, and how it diversifies.

    `score` takes `values` (n, features) to millionths (n,). A temperature of 0 is a
    ranking without noise.
    """

    name: str
    score: Callable[[Floats], Micros]
    config: RankingConfig
    temperature: float = 0.0
