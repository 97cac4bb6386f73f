"""`GET /api/recommend`: what next?"""

import msgspec

from core.http.operation import Documented, Operation
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from serve_api.endpoint import Answer, Call
from serve_api.fields import (
    At,
    Distractor,
    Exclude,
    IncludeContent,
    Language,
    Limit,
    Near,
    RadiusM,
    Seed,
    Session,
    Tags,
    UserId,
    at_most,
    milliseconds_of,
    point_of,
    tags_of,
)
from serve_api.metrics import ServeMetrics


class RecommendParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters, each with what it means."""

    user_id: UserId
    limit: Limit = 10
    filter: Tags = ()
    language: Language | None = None
    near: Near | None = None
    radius_m: RadiusM | None = None
    exclude: Exclude = ()
    session: Session | None = None
    distractor: Distractor | None = None
    include_content: IncludeContent = False
    seed: Seed | None = None
    at: At | None = None

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        tags, without = tags_of(self.filter)
        return RecommendRequest(
            user_id=self.user_id.strip(),
            limit=self.limit,
            tags=tags,
            without=without,
            language=self.language,
            near=point_of(self.near, self.radius_m),
            radius_m=self.radius_m,
            exclude=self.exclude,
            session=self.session,
            distractor=self.distractor,
            include_content=self.include_content,
            seed=self.seed,
            at_ms=milliseconds_of(self.at),
        )


class RecommendEndpoint:
    """Answers from the visitor's materialized model."""

    def __init__(self, recommender: Recommender, metrics: ServeMetrics, max_limit: int) -> None:
        """`max_limit` bounds the items of one answer."""
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
        answer = await self._recommender.recommend(call.parameters.request(), now_ms=call.now_ms)
        self._metrics.recommended(answer, now_ms=call.now_ms)
        return Answer(content=answer, etag=answer.etag())
