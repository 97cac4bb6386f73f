"""`AnswerContext`: what decides an answer besides the visitor, the request and the catalogue."""

import msgspec

from core.config import RankingConfig
from core.recommendation import Away


class AnswerContext(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer needs besides model and pool. Units: `now_ms` Unix milliseconds."""

    request_id: str
    now_ms: int
    seed: int
    config: RankingConfig
    config_version: str
    degraded: tuple[Away, ...] = ()
