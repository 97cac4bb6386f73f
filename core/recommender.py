"""`Recommender`: a visitor's model and the catalogue to an answer."""

from core.candidates import gather_pool
from core.config import RankingConfig
from core.ports import ContentStore, UserModelStore
from core.ranking.draw import seed_of
from core.ranking.recommend import AnswerContext, recommend_for_signals
from core.recommendation import Recommendation, RecommendRequest
from core.signals import UserSignals


class Recommender:
    """Answers "what next?" from the materialized model; nothing is rebuilt here."""

    def __init__(
        self,
        models: UserModelStore,
        contents: ContentStore,
        config: RankingConfig,
        config_version: str,
    ) -> None:
        """Keep the ports and the ranking's settings."""
        self._models = models
        self._contents = contents
        self._config = config
        self._config_version = config_version

    async def recommend(
        self, request: RecommendRequest, *, request_id: str, now_ms: int
    ) -> Recommendation:
        """The answer for one request. A stranger gets a full, diverse list.

        Raises: RetryableError when a store is away.
        """
        signals = await self._models.get_signals(request.user_id)
        contents = self._contents.edition()
        if signals is not None:
            signals = signals.in_space(contents.vector_space)
        revision = signals.revision if signals else 0
        context = AnswerContext(
            request_id=request_id,
            now_ms=now_ms,
            seed=seed_of(request.user_id, str(revision), contents.version),
            config=self._config,
            config_version=self._config_version,
        )
        model = signals or UserSignals(user_id=request.user_id)
        pool = await gather_pool(model, request, contents, context)
        return recommend_for_signals(signals, pool, request, context)
