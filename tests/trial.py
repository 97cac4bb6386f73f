"""A world in which every policy's worth is known, and logs of one that explores."""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from core.config import RankingConfig
from core.evaluating.explored import ExploredSlate, Target
from core.evaluating.propensities import draw_places, target_propensities
from core.ranking.fusion import MICRO, Micros
from core.vectors import Floats, to_grid

FEATURES = ("semantic", "tag", "covisit")
STATIC = {"semantic": 0.3, "tag": 0.25, "covisit": 0.8}
POLICIES = {
    "static": STATIC,
    "good": {"semantic": 0.8, "tag": 0.4, "covisit": 0.2},
    "bad": {"semantic": -0.2, "tag": 0.1, "covisit": 0.8},
}
_WORTH = np.array([2.0, 1.0, -0.4])
_CANDIDATES, _PLACES, _DIMENSIONS = 20, 6, 8


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Slates of one seed. The more `temperature`, the more is explored."""

    slates: int
    seed: int
    temperature: float = 0.1
    config: RankingConfig = RankingConfig()

    def log(self) -> Iterator[ExploredSlate]:
        """What was shown, and what was opened of it."""
        random = np.random.default_rng(self.seed)
        for number in range(self.slates):
            values = random.random((_CANDIDATES, len(FEATURES)))
            vectors = np.stack([to_grid(one) for one in random.normal(size=(20, _DIMENSIONS))])
            scores = scored(values, STATIC)
            [shown] = draw_places(
                scores, self.temperature, vectors, self.config, _PLACES, random, 1
            )
            chance = chances(values)[shown, np.arange(_PLACES)]
            yield ExploredSlate(
                person=f"person-{number // 3}",
                at_ms=number,
                temperature=self.temperature,
                config=self.config,
                scores=scores,
                values=values,
                vectors=vectors,
                shown=shown,
                opened=random.random(_PLACES) < chance,
            )

    def target(self, name: str) -> Target:
        """One of the policies, without noise."""
        weights = POLICIES[name]
        return Target(name=name, score=lambda one: scored(one, weights), config=self.config)

    def truth(self, name: str) -> float:
        """The openings a slate that a policy would earn on these slates."""
        random, target = np.random.default_rng(0), self.target(name)
        places = np.arange(_PLACES)
        earned = [
            float((target_propensities(one, target, random)[places] * chances(one.values).T).sum())
            for one in self.log()
        ]
        return sum(earned) / len(earned)


def scored(values: Floats, weights: Mapping[str, float]) -> Micros:
    """The weighted sum."""
    row = np.array([weights[name] for name in FEATURES])
    made: Micros = np.rint(values @ row * MICRO).astype(np.int64)
    return made


def chances(values: Floats) -> Floats:
    """Of an opening, by candidate and place; no linear model has it right."""
    taste = values @ _WORTH + np.where(values[:, 0] > 0.8, 1.0, 0.0)
    odds = -3.0 + taste[:, None] - 0.3 * np.arange(_PLACES)[None, :]
    made: Floats = 1.0 / (1.0 + np.exp(-odds))
    return made
