"""Errors of an HTTP answer as documents that name what was wrong and what is allowed.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from core.normalizing.personal import masked

PROBLEM_MEDIA_TYPE = "application/problem+json"
_MAX_SHOWN_CHARS = 200
_MAX_BITS = 63
"""A larger whole number is shown as text: few can read it as one."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document. `parameter`, `value` and `allowed` say which input cannot be used."""

    title: str
    status: int
    detail: str
    parameter: str | None = None
    value: Any = None
    allowed: str | None = None


class ProblemError(Exception):
    """A request that is answered with a problem document."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        """`headers` of the answer."""
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers or {}


class BadParameterError(ProblemError):
    """A parameter, or a field of a body, that cannot be used."""

    def __init__(self, parameter: str, value: Any, allowed: str) -> None:
        """Say what is allowed."""
        parameter = masked(parameter)  # of an unknown one the name is the sender's own
        super().__init__(
            Problem(
                title="Bad parameter",
                status=400,
                detail=f"{parameter} must be {allowed}",
                parameter=parameter,
                value=_shown(value),
                allowed=allowed,
            )
        )


def _shown(value: Any) -> Any:
    """A value as a problem can show it, of a long text its beginning, of an address nothing."""
    if isinstance(value, int) and value.bit_length() >= _MAX_BITS:
        value = str(value)
    if isinstance(value, str):
        value = masked(value)
        return f"{value[:_MAX_SHOWN_CHARS]}…" if len(value) > _MAX_SHOWN_CHARS else value
    return value


class NotFoundError(ProblemError):
    """What a parameter names is not there."""

    def __init__(self, title: str, detail: str, parameter: str, value: str) -> None:
        """Say what there is not."""
        problem = Problem(
            title=title, status=404, detail=detail, parameter=parameter, value=_shown(value)
        )
        super().__init__(problem)
