"""`GET /api/similar`: more like one item, for nobody in particular."""

from core.answer_log.served import Record
from core.http.operation import Documented, Operation
from core.ports import ContentStore
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from serve_api.endpoint import Answer, Call
from serve_api.fields import ContentId, Explain, IncludeContent, Seed, at_most
from serve_api.list_parameters import ScopeParameters
from serve_api.missing import NO_ITEM, no_such_item


class SimilarParameters(ScopeParameters, frozen=True, kw_only=True):
    """The item, and what restricts the list as in a recommendation."""

    content_id: ContentId
    seed: Seed | None = None
    include_content: IncludeContent = False
    explain: Explain = False

    def request(self) -> RecommendRequest:
        """What the core understands. Raises: BadParameterError."""
        return RecommendRequest(
            user_id="",
            session=self.content_id,
            distractor=False,
            include_content=self.include_content,
            explain=self.explain,
            seed=self.seed,
            **self.restrictions(),
        )


class SimilarEndpoint:
    """Answers what a stranger would be recommended who has just viewed the item."""

    def __init__(
        self,
        recommender: Recommender,
        contents: ContentStore,
        max_limit: int,
        record: Record | None = None,
    ) -> None:
        """`max_limit` bounds the items of one answer; `record` is told of each that is served."""
        self._record = record
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
                404: NO_ITEM,
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
            raise no_such_item(call.parameters.content_id)
        answer = await self._recommender.rank(
            None, request, now_ms=call.now_ms, record=self._record
        )
        return Answer(content=answer, etag=answer.etag())
