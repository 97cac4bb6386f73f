"""Receives the body of a request within its bounds, before it is read."""

from starlette.requests import ClientDisconnect, Request

from core.http.lengths import claimed_length
from core.http.problems import BadParameterError, Problem, ProblemError


async def receive_json(request: Request, limit: int) -> bytes:
    """The bytes of a JSON body. Units: `limit` bytes.

    A type that says JSON is asked for because pages of other origins cannot send
    it without being allowed to.

    Raises: ProblemError for another type and for too many bytes, before the rest
        of them has come.
    """
    headers = request.headers
    if (encoding := headers.get("content-encoding", "identity")) != "identity":
        raise _unsupported(f"Content-Encoding {encoding!r} is not understood; send it plain")
    if claimed_length(headers) > limit:
        raise _too_large(limit)
    kind = headers.get("content-type")
    if kind is not None and not _is_json(kind):
        raise _unsupported(f"Content-Type {kind!r} is not application/json")
    body = await _receive(request, limit)
    if not body:
        raise BadParameterError("body", None, "given: JSON, as Content-Type application/json")
    if kind is None:
        raise _unsupported("Content-Type is missing; it must be application/json")
    return body


async def _receive(request: Request, limit: int) -> bytes:
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > limit:
                raise _too_large(limit)
    except ClientDisconnect:
        raise BadParameterError("body", None, "sent to its end") from None
    return bytes(received)


def _is_json(kind: str) -> bool:
    name = kind.partition(";")[0].strip().lower()
    return name == "application/json" or (
        name.startswith("application/") and name.endswith("+json")
    )


def _unsupported(detail: str) -> ProblemError:
    return ProblemError(Problem(title="Unsupported media type", status=415, detail=detail))


def _too_large(limit: int) -> ProblemError:
    detail = f"the body has more than {limit} bytes"
    return ProblemError(Problem(title="Body too large", status=413, detail=detail))
