"""`POST /api/recommend/batch`: the lists of many visitors at once, as for e-mails."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from core.answer_log.served import Record
from core.http.operation import Documented, Operation
from core.http.problems import BadParameterError
from core.ports import UserModelStore
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from serve_api.endpoint import Answer, Call
from serve_api.fields import (
    Distractor,
    Explain,
    IncludeContent,
    Seed,
    UserId,
    at_most,
    no_longer_than,
)
from serve_api.list_parameters import ScopeParameters
from serve_api.metrics import ServeMetrics
from serve_api.settings import ServeSettings

_MODELS_AT_ONCE = 32
"""Read together, then answered one by one: no more models than these are held at a time."""
_encoder = msgspec.json.Encoder()


class BatchBody(ScopeParameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is asked for, and what holds for all of them."""

    user_ids: Annotated[
        tuple[UserId, ...],
        Meta(
            min_length=1,
            description="The visitors, each once; they are answered in this order.",
            examples=[["ada", "grace"]],
        ),
    ]
    seed: Seed | None = None
    distractor: Distractor | None = None
    include_content: IncludeContent = False
    explain: Explain = False

    def requests(self) -> list[RecommendRequest]:
        """One request a visitor. Raises: BadParameterError for a visitor who comes twice."""
        users = [one.strip() for one in self.user_ids]
        if twice := [user for user, times in Counter(users).items() if times > 1]:
            raise BadParameterError("user_ids", twice, "given once each")
        shared = self.restrictions()
        return [
            RecommendRequest(
                user_id=user,
                seed=self.seed,
                distractor=self.distractor,
                include_content=self.include_content,
                explain=self.explain,
                **shared,
            )
            for user in users
        ]


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer a visitor, in the order asked; each as the visitor alone would get it."""

    answers: tuple[Recommendation, ...]


class BatchEndpoint:
    """Answers from the visitors' materialized models, letting other requests go between."""

    def __init__(
        self,
        recommender: Recommender,
        models: UserModelStore,
        metrics: ServeMetrics,
        settings: ServeSettings,
        record: Record | None = None,
    ) -> None:
        """The settings bound the visitors, the items of each and the time of all.

        `record` is told of each list that is served.

        While `models` are away there is no answer: what everybody would get is no letter.
        """
        self._recommender = recommender
        self._record = record
        self._models = models
        self._metrics = metrics
        body = at_most(BatchBody, "limit", settings.max_limit)
        self.operation = Operation(
            name="recommend_batch",
            path="/api/recommend/batch",
            method="POST",
            summary="What next, for many visitors?",
            description="A list for each of the visitors, as for a newsletter. Each is the same, "
            "byte for byte, as `/api/recommend` gives with the same `at` and `seed`.",
            group="Recommendations",
            access="personal",
            body=no_longer_than(body, "user_ids", settings.max_batch_users),
            answers={200: Documented(description="The lists.", body=BatchAnswer)},
            timeout_s=settings.batch_timeout_s,
        )

    async def answer(self, call: Call[None, BatchBody]) -> Answer:
        """The lists, encoded one by one: all of them at once would hold up others."""
        made = []
        async for request, signals in self._with_models(call.body.requests()):
            answer = await self._recommender.rank(
                signals, request, now_ms=call.now_ms, record=self._record
            )
            self._metrics.recommended(answer, now_ms=call.now_ms)
            made.append(msgspec.Raw(_encoder.encode(answer)))
            await asyncio.sleep(0)
        return Answer(content={"answers": made})

    async def _with_models(
        self, requests: Sequence[RecommendRequest]
    ) -> AsyncIterator[tuple[RecommendRequest, UserSignals | None]]:
        for start in range(0, len(requests), _MODELS_AT_ONCE):
            part = requests[start : start + _MODELS_AT_ONCE]
            for request, signals in zip(part, await self._models_of(part), strict=True):
                yield request, signals

    async def _models_of(self, requests: Sequence[RecommendRequest]) -> list[UserSignals | None]:
        """Raises: RetryableError when models are away."""
        try:
            async with asyncio.TaskGroup() as tasks:
                read = [
                    tasks.create_task(self._models.get_signals(request.user_id))
                    for request in requests
                ]
        except ExceptionGroup as group:
            # All of them fail for one reason, and who asked knows errors one by one.
            raise group.exceptions[0] from group
        return [task.result() for task in read]
