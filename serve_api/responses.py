"""Answers and problems as HTTP responses, each saying who may keep it."""

from collections.abc import Iterable

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from core.http.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemError
from serve_api.endpoint import Answer

_RETRY_AFTER_S = "1"
_NOT_FOUND = 404
_REVALIDATED = "private, no-cache"
"""An answer may be kept by who asked for it, and shown again once we say it is still the same."""
_PERSONAL = "private, no-store"
_PROBLEM = "no-store"

_encoder = msgspec.json.Encoder()


def answer_response(answer: Answer, request: Request, *, is_personal: bool) -> Response:
    """200 with the content, or 304 where the asker has it already."""
    headers = {"Cache-Control": _PERSONAL if is_personal else _REVALIDATED, **answer.headers}
    if answer.etag is not None:
        headers["ETag"] = answer.etag
        asked = request.headers.get("if-none-match")
        if asked is not None and (asked == "*" or _bare(answer.etag) in map(_bare, _tags(asked))):
            return Response(status_code=304, headers=headers)
    content = _encoder.encode(answer.content)
    return Response(content, 200, headers=headers, media_type="application/json")


def problem_response(error: ProblemError) -> Response:
    """A problem document."""
    return Response(
        _encoder.encode(error.problem),
        error.problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers={"Cache-Control": _PROBLEM, **error.headers},
    )


def try_later(detail: str) -> Response:
    """503."""
    problem = Problem(title="Try again later", status=503, detail=detail)
    return problem_response(ProblemError(problem, {"Retry-After": _RETRY_AFTER_S}))


async def on_http_exception(_: Request, exc: Exception) -> Response:
    """An unknown path or method, as a problem document too."""
    if not isinstance(exc, HTTPException):
        raise exc
    detail = "there is no such path" if exc.status_code == _NOT_FOUND else exc.detail
    problem = Problem(title=exc.detail, status=exc.status_code, detail=detail)
    return problem_response(ProblemError(problem, exc.headers))


async def on_bug(_: Request, __: Exception) -> Response:
    """A fault of ours; what it is stands in the log."""
    problem = Problem(title="Internal error", status=500, detail="this is a bug of the service")
    return problem_response(ProblemError(problem))


def _tags(header: str) -> Iterable[str]:
    return (tag.strip() for tag in header.split(","))


def _bare(etag: str) -> str:
    """Compared weakly, as `If-None-Match` is. Source: RFC 9110, section 13.1.2."""
    return etag.removeprefix("W/")
