"""What many operations may answer, and the headers of every answer, added to each operation."""

from collections.abc import Iterator, Mapping

import msgspec

from core.http.access import AccessPolicy, Rule
from core.http.operation import Documented, Operation
from core.http.problems import PROBLEM_MEDIA_TYPE, Problem

_PROBLEMS = {
    400: "A parameter or the body cannot be used; the document names it and what is allowed.",
    401: "The key is missing or wrong.",
    413: "The body is too large.",
    415: "The body is not JSON by its Content-Type.",
    429: "Too many requests with this key, or requests or wrong keys from this address.",
    503: "Nothing can be answered for now.",
}
_FORBIDDEN: Mapping[Rule, str] = {
    "key": "The key has no right to this.",
    "local": "No key is set that could be asked for, so this machine alone may.",
    "closed": "No key is set that could be asked for, so nobody may.",
}
_NOT_MODIFIED = "Still as the ETag in If-None-Match says."
_CACHE = {"Cache-Control": "Who may keep the answer."}
_ETAG = {"ETag": "Two answers with the same one say the same."}
_RATE = {
    "RateLimit-Policy": "How many requests (q) a sender may send in how many seconds (w).",
    "RateLimit": "How many are left (r), and in how many seconds (t) all are back.",
}
_RETRY = {"Retry-After": "After how many seconds to ask again."}
_OF_STATUS: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": "How a key is presented."},
    429: _RETRY,
    503: _RETRY,
}


def with_common_answers(one: Operation, policy: AccessPolicy, *, is_limited: bool) -> Operation:
    """The operation with everything that it may answer; `is_limited` counts its requests."""
    is_counted = is_limited and one.access != "open"
    statuses = _statuses(one, policy, is_counted=is_counted)
    answers = {status: _problem(status, policy.rule(one.access)) for status in statuses}
    if one.etag:
        answers[304] = Documented(description=_NOT_MODIFIED)
    answers |= one.answers
    shared = _CACHE | (_RATE if is_counted else {})
    return msgspec.structs.replace(
        one,
        answers={
            status: _with_headers(answer, shared | _ETAG if _is_tagged(one, status) else shared)
            for status, answer in sorted(answers.items())
        },
    )


def _statuses(one: Operation, policy: AccessPolicy, *, is_counted: bool) -> Iterator[int]:
    """Of the problems that many operations have, those of this one."""
    if one.parameters is not None or one.body is not None:
        yield 400
    rule = policy.rule(one.access)
    if rule != "open":
        yield 403
    if rule == "key":
        yield 401
    if one.body is not None:
        yield from (413, 415)
    if is_counted or rule == "key":
        yield 429
    if one.access != "open":
        yield 503


def _problem(status: int, rule: Rule) -> Documented:
    return Documented(
        description=_PROBLEMS.get(status) or _FORBIDDEN[rule],
        body=Problem,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=_OF_STATUS.get(status, {}),
    )


def _is_tagged(one: Operation, status: int) -> bool:
    return one.etag and status in (200, 304)


def _with_headers(answer: Documented, headers: Mapping[str, str]) -> Documented:
    return msgspec.structs.replace(answer, headers={**headers, **answer.headers})
