"""What is answered to what is not a request within the limits, before any service sees it."""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec

from core.http.problems import PROBLEM_MEDIA_TYPE, Problem


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A status and why; the connection is closed after it."""

    status: int
    detail: str

    def answer(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The whole answer. `headers` are those of every answer."""
        title = HTTPStatus(self.status).phrase
        problem = Problem(title=title, status=self.status, detail=self.detail)
        body = msgspec.json.encode(problem)
        fields = [
            *headers,
            (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            fields.append((b"retry-after", b"5"))
        head = b"".join(b"%s: %s\r\n" % field for field in fields)
        return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (self.status, title.encode(), head, body)


BAD_REQUEST = Refusal(status=400, detail="this is not a request in HTTP/1.1")
TOO_LONG = Refusal(status=414, detail="the request target is too long")
TOO_LARGE = Refusal(status=431, detail="request line and headers are too large together")
MANY_FIELDS = Refusal(status=431, detail="there are too many headers")
NO_ROOM = Refusal(status=503, detail="there are too many others; try again later")
