"""How the webhook answers: JSON that is kept nowhere, refusals in the form that SDKs understand."""

from typing import Any

import msgspec
from starlette.responses import Response

from ingest_worker.doors import Refused
from ingest_worker.messages import Refusal

_RETRY_AFTER_S = "5"


class Answer(Response):
    """A JSON answer that knows under which outcome it is counted."""

    media_type = "application/json"

    def __init__(self, status: int, outcome: str, content: Any) -> None:
        """Encode the content."""
        super().__init__(msgspec.json.encode(content), status, {"Cache-Control": "no-store"})
        self.outcome = outcome


def refuse(status: int, code: str, message: str) -> Answer:
    """Nothing was done."""
    return Answer(status, code, Refusal(code=code, message=message))


def refused_by(why: Refused) -> Answer:
    """Not let in."""
    answer = refuse(why.status, why.code, why.message)
    answer.headers.update(why.headers)
    return answer


def try_later(message: str) -> Answer:
    """Something is away; the same request may succeed later."""
    response = refuse(503, "try_later", message)
    response.headers["Retry-After"] = _RETRY_AFTER_S
    return response
