"""`GET /api/usermodel`: what is known about a visitor."""

from typing import Any

import msgspec

from core.http.operation import Documented, Operation
from core.ports import UserModelStore
from serve_api.endpoint import Answer, Call
from serve_api.fields import UserId
from serve_api.missing import NO_VISITOR, no_such_visitor


class UserModelParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Whose model."""

    user_id: UserId


class UserModelEndpoint:
    """Answers the stored model as it is."""

    operation = Operation(
        name="usermodel",
        path="/api/usermodel",
        summary="The model of a visitor",
        description="What is liked and disliked, the tags behind it, and what it was made from.",
        group="Visitors",
        access="personal",
        parameters=UserModelParameters,
        answers={
            200: Documented(description="The model.", body=dict[str, Any]),
            404: NO_VISITOR,
        },
    )

    def __init__(self, models: UserModelStore) -> None:
        """Keep where the models lie."""
        self._models = models

    async def answer(self, call: Call[UserModelParameters, None]) -> Answer:
        """The model. Raises: NotFoundError for a stranger."""
        signals = await self._models.get_signals(call.parameters.user_id.strip())
        if signals is None:
            raise no_such_visitor(call.parameters.user_id)
        return Answer(content=signals.as_json())
