"""What is answered about a visitor of whom nothing is known."""

from core.http.operation import Documented
from core.http.problems import PROBLEM_MEDIA_TYPE, NotFoundError, Problem

NO_VISITOR = Documented(
    description="Nothing is known about this visitor.",
    body=Problem,
    media_type=PROBLEM_MEDIA_TYPE,
)


def no_such_visitor(user_id: str) -> NotFoundError:
    """The error to raise."""
    return NotFoundError(
        "No such visitor", "nothing is known about this visitor yet", "user_id", user_id
    )
