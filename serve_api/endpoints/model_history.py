"""`GET /api/usermodel/history`: what a visitor did, and what each event did to the model."""

from typing import Annotated

import msgspec
from msgspec import Meta

from core.http.operation import Documented, Operation
from core.http.problems import BadParameterError
from core.telling.cursor import Cursor, read_cursor
from core.telling.historian import ModelHistorian
from core.telling.history import ModelHistory
from serve_api.endpoint import Answer, Call
from serve_api.fields import UserId
from serve_api.missing import NO_VISITOR, no_such_visitor

PageLimit = Annotated[int, Meta(ge=1, le=50, description="Most events of the page.", examples=[10])]
Before = Annotated[
    str,
    Meta(min_length=1, description="`next_before` of the page before, for the events before it."),
]


class ModelHistoryParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Whose history, and which page of it."""

    user_id: UserId
    limit: PageLimit = 20
    before: Before | None = None


class ModelHistoryEndpoint:
    """Answers a page of the timeline."""

    operation = Operation(
        name="usermodel_history",
        path="/api/usermodel/history",
        summary="How a visitor's model came to be",
        description="The visitor's buffered events, newest first, each with what it changed in "
        "the model: the strength of items and their place among likes and dislikes, weights of "
        "tags, persona, views and figures of reading. Both models of a change are built as of "
        "the same moment, `at_ms`, so that fading is no part of it.",
        group="Visitors",
        access="personal",
        parameters=ModelHistoryParameters,
        answers={
            200: Documented(description="A page of the history.", body=ModelHistory),
            404: NO_VISITOR,
        },
    )

    def __init__(self, historian: ModelHistorian) -> None:
        """Keep who tells it."""
        self._historian = historian

    async def answer(self, call: Call[ModelHistoryParameters, None]) -> Answer:
        """The page. Raises: NotFoundError for a stranger, BadParameterError."""
        asked = call.parameters
        page = await self._historian.history(
            asked.user_id.strip(),
            limit=asked.limit,
            before=_cursor(asked.before),
            now_ms=call.now_ms,
        )
        if page is None:
            raise no_such_visitor(call.parameters.user_id)
        return Answer(content=page)


def _cursor(before: str | None) -> Cursor | None:
    try:
        return None if before is None else read_cursor(before)
    except ValueError:
        raise BadParameterError("before", before, "next_before of the page before") from None
