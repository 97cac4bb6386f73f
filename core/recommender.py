"""`Recommender`: a visitor's model and the catalogue to an answer."""

from collections.abc import Callable

import msgspec

from core.answer_log.served import Record, Served
from core.answering import answer_of, list_for_signals, listed_items
from core.candidates import gather_pool
from core.collective.collective import Collective
from core.config import RankingConfig
from core.errors import RetryableError
from core.explaining.outcomes import Asked, Outcome
from core.explaining.why import why
from core.policies.contexts import NO_PERSON, Circumstances, context_of, person_of, settled
from core.policies.policies import Policies
from core.policies.policy import Policy
from core.policies.shadows import ShadowReport, make_shadows
from core.ports import ContentStore, UserModelStore
from core.ranking.context import AnswerContext
from core.ranking.listing import Listing
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
        policies: Policies | None = None,
        shadows: ShadowReport | None = None,
    ) -> None:
        """Keep the ports and the ranking's settings; `standby` is for a catalogue that is asked.

        `collective` gives what is known of all visitors together, `policies` what each
        is answered by (the settings, without it), and `shadows` hears of answers that
        are made and not shown.
        """
        static = Policy(config=config, config_version=config_version)
        self._policies = policies or Policies(static)
        self._shadows = shadows
        self._collective = collective
        self._models = models
        self._contents = contents
        self._standby = standby

    async def recommend(
        self, request: RecommendRequest, *, now_ms: int, record: Record | None = None
    ) -> Recommendation:
        """The answer for one request. A stranger gets a full, diverse list.

        While models are away everybody does; `degraded` says so. `record` is told
        of what is served.

        Raises: RetryableError when there is no catalogue.
        """
        signals, away = await self._model_of(request.user_id)
        return await self.rank(signals, request, now_ms=now_ms, away=away, record=record)

    async def rank(
        self,
        signals: UserSignals | None,
        request: RecommendRequest,
        *,
        now_ms: int,
        away: tuple[Away, ...] = (),
        is_person: bool = True,
        record: Record | None = None,
    ) -> Recommendation:
        """The answer for a model at hand; None is a visitor nobody knows.

        `away` is what the model had to do without. Whose model is made up is no
        person, and in no experiment.

        Raises: RetryableError when there is no catalogue.
        """

        async def made(contents: ContentStore, missing: tuple[Away, ...]) -> Recommendation:
            own = None if signals is None else signals.in_space(contents.vector_space)
            collective, lacking = self._collective(), (*away, *missing)
            person = person_of(request, own, lacking) if is_person else NO_PERSON
            choice = self._policies.choose(person)
            given = _circumstances(now_ms, contents, collective, lacking)
            context = context_of(request, own, choice, given, person)
            model = own or UserSignals(user_id=request.user_id)

            async def answered(by: AnswerContext) -> tuple[Listing, Recommendation]:
                pool = await gather_pool(model, request, contents, by, collective)
                listing = list_for_signals(own, pool, request, by)
                return listing, answer_of(listing, own, by)

            listing, answer = await answered(context)
            if record is not None:
                served = Served(
                    request=settled(request, context),
                    person=person,
                    signals=own,
                    contents=contents,
                    collective=collective,
                    listing=listing,
                    context=context,
                    policy=choice.policy,
                    answer=answer,
                )
                record(served)
            if self._shadows is not None:
                await make_shadows(choice, answer, context, answered, self._shadows)
            return answer

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
        person = person_of(explained, signals, ())
        given = _circumstances(now_ms, contents, collective, ())
        context = context_of(explained, signals, self._policies.choose(person), given, person)
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


def _circumstances(
    now_ms: int,
    contents: ContentStore,
    collective: Collective | None,
    degraded: tuple[Away, ...],
) -> Circumstances:
    return Circumstances(
        now_ms=now_ms,
        contents_version=contents.version,
        collective_version="" if collective is None else collective.version,
        degraded=degraded,
    )
