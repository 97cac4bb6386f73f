"""`GET /api/why`: why is this item in a visitor's list, or why not?"""

from core.explaining.outcomes import Outcome
from core.http.operation import Documented, Operation
from core.recommender import Recommender
from serve_api.endpoint import Answer, Call
from serve_api.fields import ContentId, at_most
from serve_api.list_parameters import ListParameters
from serve_api.missing import NO_ITEM, no_such_item


class WhyParameters(ListParameters, frozen=True, kw_only=True):
    """The parameters of the list, and the item in question."""

    content_id: ContentId


class WhyEndpoint:
    """Makes the list again and looks for the item."""

    def __init__(self, recommender: Recommender, max_limit: int) -> None:
        """`max_limit` bounds the list."""
        self._recommender = recommender
        self.operation = Operation(
            name="why",
            path="/api/why",
            summary="Why is an item in a list, or why not?",
            description="With the parameters of a list; `seed` and `at` of its diagnostics make "
            "it the very same. One `outcome` with what decided, and a sentence.",
            group="Recommendations",
            access="personal",
            parameters=at_most(WhyParameters, "limit", max_limit),
            answers={
                200: Documented(description="The outcome.", body=Outcome),
                404: NO_ITEM,
            },
        )

    async def answer(self, call: Call[WhyParameters, None]) -> Answer:
        """The outcome. Raises: NotFoundError for an unknown item."""
        asked = call.parameters
        outcome = await self._recommender.why(asked.content_id, asked.request(), now_ms=call.now_ms)
        if outcome is None:
            raise no_such_item(asked.content_id)
        return Answer(content=outcome)
