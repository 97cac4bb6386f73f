"""`AnswerContext`: what decides an answer besides the visitor, the request and the catalogue."""

from typing import Literal

import msgspec

from core.config import RankingConfig
from core.ranking.ranker import Ranker
from core.recommendation import Away


class Exploration(msgspec.Struct, frozen=True, kw_only=True):
    """That this answer was drawn, and how: with these its draw can be done again.

    Units: `temperature` of the Gumbel noise in units of the fused score.
    """

    kind: Literal["gumbel", "thompson"]
    seed: int
    temperature: float


class AnswerContext(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer needs besides model and pool. Units: `now_ms` Unix milliseconds.

    The versions are empty, and the experiment is None, where there is none.
    """

    request_id: str
    now_ms: int
    seed: int
    config: RankingConfig
    config_version: str
    degraded: tuple[Away, ...] = ()
    collective_version: str = ""
    ranker_version: str = ""
    experiment: str | None = None
    variant: str | None = None
    exploration: Exploration | None = None
    ranker: Ranker | None = None
    """What was learned; None is the sum by the weights of `config`."""
