"""`MadeFrom`: the settings and vectors that logged answers were ranked by, as they are kept."""

import asyncio
from collections.abc import Sequence

from adapters.parquet.replays import ParquetReplays
from core.answer_log.editions import policy_version
from core.config import RankingConfig
from core.learning.logged import LoggedAnswer
from core.policies.policy import Policy
from core.ports import ContentStore
from core.vectors import GridMatrix


class MadeFrom:
    """The `Sources` of slates. Blocking."""

    def __init__(self, replays: ParquetReplays) -> None:
        """Editions of what is made again."""
        self._replays = replays

    def config_of(self, answer: LoggedAnswer) -> RankingConfig:
        """The settings of its policy. Raises: RejectedError, OSError."""
        version = policy_version(answer.config_version, answer.ranker_version)
        policy: Policy = self._replays.opened("policy", version)
        return policy.config

    def vectors_of(self, answer: LoggedAnswer, ids: Sequence[str]) -> GridMatrix | None:
        """Those of its catalogue. Raises: RejectedError, OSError."""
        contents: ContentStore = self._replays.opened("catalogue", answer.catalogue_version)
        rows = asyncio.run(contents.rows(ids))
        return rows.vectors if rows.ids == list(ids) else None
