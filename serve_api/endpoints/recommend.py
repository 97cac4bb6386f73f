"""`GET /api/recommend`: what next?"""

import msgspec

from core.answer_log.served import Record
from core.http.operation import Documented, Operation
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from serve_api.endpoint import Answer, Call
from serve_api.fields import Explain, IncludeContent, at_most
from serve_api.list_parameters import ListParameters
from serve_api.metrics import ServeMetrics


class RecommendParameters(ListParameters, frozen=True, kw_only=True):
    """The parameters, each with what it means."""

    include_content: IncludeContent = False
    explain: Explain = False

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        return msgspec.structs.replace(
            super().request(), include_content=self.include_content, explain=self.explain
        )


class RecommendEndpoint:
    """Answers from the visitor's materialized model."""

    def __init__(
        self,
        recommender: Recommender,
        metrics: ServeMetrics,
        max_limit: int,
        record: Record | None = None,
    ) -> None:
        """`max_limit` bounds the items of one answer; `record` is told of each that is served."""
        self._record = record
        self._recommender = recommender
        self._metrics = metrics
        self.operation = Operation(
            name="recommend",
            path="/api/recommend",
            summary="What next?",
            description="Items that a visitor has not seen, best first, with how each came to be "
            "there. The same parameters with `at` and `seed` give the same bytes while model and "
            "catalogue are the same, and answers of one `request_id` are the same.",
            group="Recommendations",
            access="recommend",
            parameters=at_most(RecommendParameters, "limit", max_limit),
            answers={200: Documented(description="The list.", body=Recommendation)},
            etag=True,
        )

    async def answer(self, call: Call[RecommendParameters, None]) -> Answer:
        """The list for one visitor."""
        answer = await self._recommender.recommend(
            call.parameters.request(), now_ms=call.now_ms, record=self._record
        )
        self._metrics.recommended(answer, now_ms=call.now_ms)
        return Answer(content=answer, etag=answer.etag())
