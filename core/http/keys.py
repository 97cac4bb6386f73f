"""The keys of a service: which are valid, and where a request presents one.

Several keys are valid at once, so that a new one can be handed out before the
old one is withdrawn. A key is never shown: not in an answer, an error or a log.
"""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping, Sequence

API_KEY_HEADER = "X-API-Key"


class KeyRing:
    """The keys from a setting, separated by commas."""

    def __init__(self, text: str, setting: str = "keys") -> None:
        """Spaces around a key do not belong to it; an empty text is no key.

        Raises: ValueError for a text of nothing but commas: it would open what it was to close.
        """
        self._keys = [key.encode() for part in text.split(",") if (key := part.strip())]
        if text.strip() and not self._keys:
            raise ValueError(f"{setting}: there is no key between the commas")

    @property
    def is_empty(self) -> bool:
        """Whether there is no key at all."""
        return not self._keys

    def find(self, presented: Iterable[bytes]) -> int | None:
        """Which key is among the presented ones, by its place in the setting.

        Everything is compared with every key in constant time: how long it takes
        tells neither which key was right nor how much of it.
        """
        found = None
        for given in presented:
            for place, key in enumerate(self._keys):
                if hmac.compare_digest(given, key):
                    found = place
        return found


def presented_keys(
    headers: Mapping[str, str], *, names: Sequence[str] = (API_KEY_HEADER,), basic: bool = False
) -> Iterator[bytes]:
    """What may be a key in the headers of a request, whose names are in any case.

    `basic` looks at user name and password, too: RudderStack's SDKs send the
    write key as the one, its HTTP destination lets an operator choose.
    """
    for name in names:
        if given := headers.get(name):
            yield given.encode("latin-1")
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        yield value.strip().encode("latin-1")
    elif basic and scheme.lower() == "basic":
        pair = _decoded(value)  # the key itself may have a colon
        yield from (pair.partition(b":")[2], pair.rpartition(b":")[0])


def _decoded(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        return b""
