"""Who may send events: one key, in whichever place a sender can put it."""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator

from starlette.datastructures import Headers


class IngestKey:
    """The key from the settings; an empty one lets everybody in."""

    def __init__(self, key: str, header: str) -> None:
        """`header` is a header of choice that may carry the key, beside the usual places."""
        self._key = key.encode()
        self._header = header

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for."""
        return not self._key

    def admits(self, headers: Headers) -> bool:
        """Whether a request presents the key, compared in constant time."""
        if self.is_open:
            return True
        # Every place is compared: the time taken does not tell which one was right.
        matches = [hmac.compare_digest(given, self._key) for given in self._presented(headers)]
        return any(matches)

    def _presented(self, headers: Headers) -> Iterator[bytes]:
        for name in ("X-API-Key", self._header):
            yield headers.get(name, "").encode("latin-1")
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            yield value.strip().encode("latin-1")
        elif scheme.lower() == "basic":
            # The SDKs send the write key as user name; RudderStack's HTTP
            # destination lets an operator choose either place.
            given = _basic(value)  # the key itself may have a colon
            yield from (given.partition(b":")[2], given.rpartition(b":")[0])


def _basic(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        return b""
