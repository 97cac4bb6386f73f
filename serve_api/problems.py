"""Errors as problem documents that name the parameter, its value and what is allowed.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

import msgspec
from starlette.responses import Response


class BadParameterError(Exception):
    """A query parameter that cannot be used."""

    def __init__(self, parameter: str, value: str | None, allowed: str) -> None:
        """Keep what the document will say."""
        super().__init__(f"{parameter}: {allowed}")
        self.parameter = parameter
        self.value = value
        self.allowed = allowed


def bad_parameter(error: BadParameterError) -> Response:
    """400 for a parameter."""
    return problem(
        400,
        "Bad parameter",
        f"{error.parameter} must be {error.allowed}",
        parameter=error.parameter,
        value=error.value,
        allowed=error.allowed,
    )


def problem(status: int, title: str, detail: str, **more: str | None) -> Response:
    """A problem document."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail} | more
    return Response(msgspec.json.encode(document), status, media_type="application/problem+json")
