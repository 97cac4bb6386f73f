"""`GET /api/usermodel/explain`: what a visitor's model comes from, number by number."""

import msgspec

from core.http.operation import Documented, Operation
from core.telling.explainer import ModelExplainer
from core.telling.explanation import ModelExplanation
from serve_api.endpoint import Answer, Call
from serve_api.fields import UserId
from serve_api.missing import NO_VISITOR, no_such_visitor


class ExplainModelParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Whose model."""

    user_id: UserId


class ExplainModelEndpoint:
    """Answers the stored model with its evidence."""

    operation = Operation(
        name="explain_usermodel",
        path="/api/usermodel/explain",
        summary="A visitor's model, explained",
        description="Every interest and aversion with the items and answers that it comes from, "
        "every liked and disliked item with the parts of its strength, how the visitor reads in "
        "words, and who they said they are. `matches_model` says whether the buffered events "
        "still give the stored model; where they are gone, the model is told without evidence.",
        group="Visitors",
        access="personal",
        parameters=ExplainModelParameters,
        answers={
            200: Documented(description="The model, explained.", body=ModelExplanation),
            404: NO_VISITOR,
        },
    )

    def __init__(self, explainer: ModelExplainer) -> None:
        """Keep who explains."""
        self._explainer = explainer

    async def answer(self, call: Call[ExplainModelParameters, None]) -> Answer:
        """The explanation. Raises: NotFoundError for a stranger."""
        user_id = call.parameters.user_id.strip()
        explanation = await self._explainer.explain(user_id, now_ms=call.now_ms)
        if explanation is None:
            raise no_such_visitor(call.parameters.user_id)
        return Answer(content=explanation)
