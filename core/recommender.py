"""`Recommender`: a visitor's model and the catalogue to an answer."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from core.answering import list_for_signals, listed_items, recommend_for_signals
from core.candidates import gather_pool
from core.collective.collective import Collective
from core.config import RankingConfig
from core.errors import RetryableError
from core.explaining.outcomes import Asked, Outcome
from core.explaining.why import why
from core.ports import ContentStore, UserModelStore
from core.ranking.context import AnswerContext
from core.ranking.draw import seed_of
from core.recommendation import Away, Recommendation, RecommendRequest
from core.signals import UserSignals
from core.standby import Standby, from_catalogue

_NOBODY = "readiness-probe"


class Recommender:
    """Answers "what next?" from the materialized model; nothing is rebuilt here."""

    def __init__(
        self,
        models: UserModelStore,
        contents: ContentStore,
        config: RankingConfig,
        config_version: str,
        *,
        standby: Standby | None = None,
        collective: Callable[[], Collective | None] = lambda: None,
    ) -> None:
        """Keep the ports and the ranking's settings; `standby` is for a catalogue that is asked.

        `collective` gives what is known of all visitors together.
        """
        self._collective = collective
        self._models = models
        self._contents = contents
        self._config = config
        self._config_version = config_version
        self._standby = standby

    async def recommend(self, request: RecommendRequest, *, now_ms: int) -> Recommendation:
        """The answer for one request. A stranger gets a full, diverse list.

        While models are away everybody does; `degraded` says so.

        Raises: RetryableError when there is no catalogue.
        """
        signals, away = await self._model_of(request.user_id)
        return await self.rank(signals, request, now_ms=now_ms, away=away)

    async def rank(
        self,
        signals: UserSignals | None,
        request: RecommendRequest,
        *,
        now_ms: int,
        away: tuple[Away, ...] = (),
    ) -> Recommendation:
        """The answer for a model at hand; None is a visitor nobody knows.

        `away` is what the model had to do without.

        Raises: RetryableError when there is no catalogue.
        """

        async def made(contents: ContentStore, missing: tuple[Away, ...]) -> Recommendation:
            own = None if signals is None else signals.in_space(contents.vector_space)
            collective = self._collective()
            context = self._context(
                request, own, contents, now_ms, (*away, *missing), _version(collective)
            )
            model = own or UserSignals(user_id=request.user_id)
            pool = await gather_pool(model, request, contents, context, collective)
            return recommend_for_signals(own, pool, request, context)

        return await from_catalogue(self._contents, self._standby, made)

    async def degraded(self) -> tuple[Away, ...]:
        """What an answer has to do without at the moment.

        Raises: RetryableError when there would be none.
        """
        _, away = await self._model_of(_NOBODY)

        async def asked(contents: ContentStore, missing: tuple[Away, ...]) -> tuple[Away, ...]:
            await contents.get([_NOBODY])
            return (*away, *missing)

        return await from_catalogue(self._contents, self._standby, asked)

    async def why(
        self, content_id: str, request: RecommendRequest, *, now_ms: int
    ) -> Outcome | None:
        """Why an item is in the list that the request asks for, or why not; None: no such item.

        Raises: RetryableError when a store is away: of another list there is nothing to say.
        """
        signals = await self._models.get_signals(request.user_id)
        contents = self._contents.edition()
        row = await contents.rows([content_id])
        if not len(row):
            return None
        if signals is not None:
            signals = signals.in_space(contents.vector_space)
        explained = msgspec.structs.replace(request, explain=True)
        collective = self._collective()
        context = self._context(explained, signals, contents, now_ms, (), _version(collective))
        model = signals or UserSignals(user_id=request.user_id)
        pool = await gather_pool(model, explained, contents, context, collective)
        listing = list_for_signals(signals, pool, explained, context)
        asked = Asked(request_id=context.request_id, user_id=request.user_id, content_id=content_id)
        return why(row, listing, listed_items(listing), context.now_ms, asked)

    async def _model_of(self, user_id: str) -> tuple[UserSignals | None, tuple[Away, ...]]:
        """The visitor's model, and what is to be blamed where it is not to be had."""
        try:
            return await self._models.get_signals(user_id), ()
        except RetryableError:
            return None, ("models",)

    def _context(
        self,
        request: RecommendRequest,
        signals: UserSignals | None,
        contents: ContentStore,
        now_ms: int,
        degraded: tuple[Away, ...],
        collective_version: str,
    ) -> AnswerContext:
        """Time and seed, and the id that stands for all that decides the answer."""
        at_ms = now_ms if request.at_ms is None else request.at_ms
        seed = request.seed
        if seed is None:
            revision = signals.revision if signals else 0
            seed = seed_of(request.user_id, str(revision), contents.version)
        settled = msgspec.structs.replace(request, at_ms=at_ms, seed=seed)
        model = None
        if signals is not None:
            model = (signals.revision, signals.built_at_ms, signals.window.digest)
        versions = (contents.version, self._config_version, collective_version)
        decided_by = (settled, model, versions, degraded)
        return AnswerContext(
            request_id=_request_id(decided_by),
            now_ms=at_ms,
            seed=seed,
            config=self._config,
            config_version=self._config_version,
            degraded=degraded,
            collective_version=collective_version,
        )


def _version(collective: Collective | None) -> str:
    return "" if collective is None else collective.version


def _request_id(decided_by: Any) -> str:
    """Shape: 32 hex digits."""
    return hashlib.blake2b(_encoder.encode(decided_by), digest_size=16).hexdigest()


_encoder = msgspec.json.Encoder()
