"""What is answered about a visitor of whom nothing is known, or an item that is not there."""

from core.http.operation import Documented
from core.http.problems import PROBLEM_MEDIA_TYPE, NotFoundError, Problem

NO_VISITOR = Documented(
    description="Nothing is known about this visitor.",
    body=Problem,
    media_type=PROBLEM_MEDIA_TYPE,
)


NO_ITEM = Documented(
    description="There is no such item, or it is not shown.",
    body=Problem,
    media_type=PROBLEM_MEDIA_TYPE,
)


def no_such_item(content_id: str) -> NotFoundError:
    """The error to raise."""
    detail = "there is no such item, or it is not shown"
    return NotFoundError("No such item", detail, "content_id", content_id)


def no_such_visitor(user_id: str) -> NotFoundError:
    """The error to raise."""
    return NotFoundError(
        "No such visitor", "nothing is known about this visitor yet", "user_id", user_id
    )
