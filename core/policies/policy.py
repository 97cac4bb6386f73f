"""`Policy`: all that decides how a visitor's candidates are ranked, under one name."""

import msgspec

from core.config import ExplorationConfig, RankingConfig, ScorerWeights
from core.learning.artifact import version_of
from core.learning.forest import Forest
from core.learning.model import LinearModel, Model
from core.ranking.context import Exploration
from core.ranking.draw import draw
from core.ranking.exploring import drawn_weights
from core.ranking.ranker import Ranker


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer is made by. `ranker` None is the sum by the weights of `config`.

    `posterior` is the linear model that weights can be drawn from, where there is one.
    """

    name: str = "static"
    config: RankingConfig
    config_version: str
    ranker: Ranker | None = None
    ranker_version: str = ""
    posterior: LinearModel | None = None
    exploration: ExplorationConfig = ExplorationConfig()

    def with_model(self, model: Model) -> "Policy":
        """The same, ranked by what was learned.

        A scorer that the training did not know keeps its static weight.
        """
        version = version_of(model)
        if not isinstance(model, LinearModel):
            return msgspec.structs.replace(
                self,
                ranker=Forest(model),
                ranker_version=version,
                posterior=None,
            )
        weights = msgspec.structs.replace(self.config.weights, **model.named())
        return msgspec.structs.replace(
            self,
            config=msgspec.structs.replace(self.config, weights=weights),
            ranker=None,
            ranker_version=version,
            posterior=model,
        )

    def explored(self, seed: int) -> Exploration | None:
        """How the answer of this seed is drawn, None for one that is not."""
        config = self.exploration
        if draw(seed, "explore") >= config.share:
            return None
        if config.kind == "thompson":
            if self.posterior is None:
                return None  # there is nothing to draw from
            return Exploration(kind="thompson", seed=seed, temperature=0.0)
        return Exploration(kind="gumbel", seed=seed, temperature=config.temperature)

    def drawn(self, exploration: Exploration | None) -> RankingConfig:
        """The settings for one answer: of a Thompson sample with its weights."""
        model = self.posterior
        if model is None or exploration is None or exploration.kind != "thompson":
            return self.config
        weights = drawn_weights(model.named(), model.factor, exploration.seed)
        return msgspec.structs.replace(
            self.config, weights=msgspec.structs.replace(self.config.weights, **weights)
        )


SCORERS = ScorerWeights.__struct_fields__
"""What a learned ranker may weigh."""
