"""`GET /api/replay/{request_id}`: an answer of the past, made again."""

from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from core.answer_log.replaying import ReplayedAnswer
from core.errors import RejectedError
from core.http.operation import Documented, Operation
from core.http.problems import PROBLEM_MEDIA_TYPE, NotFoundError, Problem, ProblemError
from core.recommendation import Recommendation
from serve_api.endpoint import Answer, Call

RequestId = Annotated[
    str,
    Meta(
        max_length=64,
        description="The `request_id` of an answer.",
        examples=["019ad8f0a1b2c3d4e5f60718293a4b5c"],
    ),
]


_NO_ANSWER = Documented(
    description="No such answer is in the log, or there is no log.",
    body=Problem,
    media_type=PROBLEM_MEDIA_TYPE,
)
_NOT_KEPT = Documented(
    description="What it was made from is not kept any more.",
    body=Problem,
    media_type=PROBLEM_MEDIA_TYPE,
)


class Replays(Protocol):
    """Where logged answers are made again."""

    async def replay(self, request_id: str) -> ReplayedAnswer | None:
        """None where it is not in the log.

        Raises: RejectedError where what it was made from is not kept, RetryableError.
        """
        ...


class ReplayParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Which answer."""

    request_id: RequestId


class ReplayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer made again from what it was made from then.

    `differences` names what of the list differs; `identical` is of every byte.
    `logged` is the entry, `answer` what was made now, with an empty `user_id`.
    """

    request_id: str
    identical: bool
    differences: tuple[str, ...]
    logged: dict[str, Any]
    answer: Recommendation


class ReplayEndpoint:
    """Looks into the log; made for those who look after the service."""

    def __init__(self, replays: Replays | None) -> None:
        """None: there is no log."""
        self._replays = replays
        self.operation = Operation(
            name="replay",
            path="/api/replay/{request_id}",
            summary="Was it really that answer?",
            description="Makes an answer of the log again: from the model as it was, kept with "
            "it, and from the catalogue, the statistics and the policy of then, which are kept "
            "for REPLAY_DAYS. Says whether it is the same, byte for byte.",
            group="Recommendations",
            access="personal",
            parameters=ReplayParameters,
            answers={
                200: Documented(description="The answer, made again.", body=ReplayAnswer),
                404: _NO_ANSWER,
                409: _NOT_KEPT,
            },
        )

    async def answer(self, call: Call[ReplayParameters, None]) -> Answer:
        """The comparison. Raises: ProblemError."""
        request_id = call.parameters.request_id
        if self._replays is None:
            raise _no_answer("no answers are recorded: LOG_URL is unset", request_id)
        try:
            found = await self._replays.replay(request_id)
        except RejectedError as exc:
            raise ProblemError(Problem(title="Not kept", status=409, detail=str(exc))) from exc
        if found is None:
            raise _no_answer("no such answer is in the log", request_id)
        return Answer(
            content=ReplayAnswer(
                request_id=found.request_id,
                identical=found.identical,
                differences=found.differences,
                logged=_readable(found),
                answer=found.answer,
            )
        )


def _no_answer(detail: str, request_id: str) -> NotFoundError:
    return NotFoundError("No such answer", detail, "request_id", request_id)


def _readable(found: ReplayedAnswer) -> dict[str, Any]:
    """The entry, its JSON as JSON."""
    shown: dict[str, Any] = msgspec.to_builtins(found.logged, builtin_types=(bytes,))
    for name in ("request", "model"):
        shown[name] = msgspec.json.decode(shown[name]) if shown[name] else None
    return shown
