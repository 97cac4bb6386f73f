"""`GET /api/similar`: more like one item, for nobody in particular."""

import msgspec

from core.http.operation import Documented, Operation
from core.http.problems import PROBLEM_MEDIA_TYPE, NotFoundError, Problem
from core.ports import ContentStore
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from serve_api.endpoint import Answer, Call
from serve_api.fields import (
    At,
    ContentId,
    Exclude,
    IncludeContent,
    Language,
    Limit,
    Near,
    RadiusM,
    Seed,
    Tags,
    at_most,
    milliseconds_of,
    point_of,
    tags_of,
)


class SimilarParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The item, and what restricts the list as in a recommendation."""

    content_id: ContentId
    limit: Limit = 10
    filter: Tags = ()
    language: Language | None = None
    near: Near | None = None
    radius_m: RadiusM | None = None
    exclude: Exclude = ()
    include_content: IncludeContent = False
    seed: Seed | None = None
    at: At | None = None

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        tags, without = tags_of(self.filter)
        return RecommendRequest(
            user_id="",
            session=self.content_id,
            limit=self.limit,
            tags=tags,
            without=without,
            language=self.language,
            near=point_of(self.near, self.radius_m),
            radius_m=self.radius_m,
            exclude=self.exclude,
            distractor=False,
            include_content=self.include_content,
            seed=self.seed,
            at_ms=milliseconds_of(self.at),
        )


class SimilarEndpoint:
    """Answers what a stranger would be recommended who has just viewed the item."""

    def __init__(self, recommender: Recommender, contents: ContentStore, max_limit: int) -> None:
        """`max_limit` bounds the items of one answer."""
        self._recommender = recommender
        self._contents = contents
        self.operation = Operation(
            name="similar",
            path="/api/similar",
            summary="More like one item",
            description="By its text, its tags and what it names as related, under the curators' "
            "rules. For more like it that suits a visitor too, give `session` to recommend.",
            group="Recommendations",
            access="recommend",
            parameters=at_most(SimilarParameters, "limit", max_limit),
            answers={
                200: Documented(description="The list.", body=Recommendation),
                404: Documented(
                    description="There is no such item, or it is not shown.",
                    body=Problem,
                    media_type=PROBLEM_MEDIA_TYPE,
                ),
            },
            etag=True,
        )

    async def answer(self, call: Call[SimilarParameters, None]) -> Answer:
        """The list. Raises: NotFoundError for an item that is not shown."""
        request = call.parameters.request()
        now_ms = call.now_ms if request.at_ms is None else request.at_ms
        found = await self._contents.get([call.parameters.content_id])
        content = found.get(call.parameters.content_id)
        if content is None or not content.rules.shows_at(now_ms):
            raise NotFoundError("No such item", "there is no such item, or it is not shown")
        answer = await self._recommender.rank(None, request, now_ms=call.now_ms)
        return Answer(content=answer, etag=answer.etag())
