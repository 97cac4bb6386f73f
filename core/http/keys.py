"""The keys of a service: what each may do, and where a request presents one.

Several keys are valid at once, so that a new one can be handed out before the
old one is withdrawn. Only digests are kept, and a key is never shown: not in an
answer, an error or a log. What is shown is a key's name.
"""

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from core.http.operation import Right

API_KEY_HEADER = "X-API-Key"
SETTING_NAME = "setting-"
"""Begins the names of keys that have none: their place in the setting follows."""
_SHORT_CHARS = 16

Found = Literal["missing", "wrong", "expired", "forbidden", "granted"]
"""What keys a request presents: none, none of ours, or one that may not do it (any more)."""
_FROM_WORST: Sequence[Found] = ("missing", "wrong", "expired", "forbidden", "granted")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key. `digest` is its SHA-256; `expires_s` the Unix second from which it is none."""

    name: str
    digest: bytes
    rights: frozenset[Right]
    expires_s: float | None = None
    is_short: bool = False
    """Whether it could be guessed; of a key that is known by its digest nobody can tell."""

    @classmethod
    def of(
        cls, key: str, name: str, rights: Iterable[Right], expires_s: float | None = None
    ) -> "Key":
        """The key of that text."""
        return cls(
            name=name,
            digest=digest_of(key.encode()),
            rights=frozenset(rights),
            expires_s=expires_s,
            is_short=len(key) < _SHORT_CHARS,
        )


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The best that a request presents, and the key where it is one of ours."""

    found: Found = "missing"
    key: Key | None = None


def digest_of(key: bytes) -> bytes:
    """What is kept of a key, and compared."""
    return sha256(key).digest()


def setting_keys(text: str, setting: str, rights: Iterable[Right]) -> tuple[Key, ...]:
    """The keys from a setting, separated by commas, named by their places.

    Spaces around a key do not belong to it; an empty text is no key.

    Raises: ValueError for a text of nothing but commas: it would open what it was to close.
    """
    keys = [key for part in text.split(",") if (key := part.strip())]
    if text.strip() and not keys:
        raise ValueError(f"{setting}: there is no key between the commas")
    rights = frozenset(rights)
    return tuple(Key.of(key, f"{SETTING_NAME}{place}", rights) for place, key in enumerate(keys, 1))


class KeyRing:
    """The keys that are valid now."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        """Take them as they are."""
        self.keys = tuple(keys)

    def match(self, presented: Iterable[bytes], right: Right, *, now_s: float) -> Match:
        """The best of what is presented. `now_s` is the wall clock.

        The digest of everything presented is compared with that of every key in
        constant time: how long it takes tells neither which key was right nor how
        much of it.
        """
        best = Match()
        for given in presented:
            if not given:
                continue
            best = _better(best, Match(found="wrong"))
            digest = digest_of(given)
            for key in self.keys:
                if hmac.compare_digest(digest, key.digest):
                    best = _better(best, Match(found=_found(key, right, now_s), key=key))
        return best


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


def _found(key: Key, right: Right, now_s: float) -> Found:
    if key.expires_s is not None and now_s >= key.expires_s:
        return "expired"
    return "granted" if right in key.rights else "forbidden"


def _better(one: Match, other: Match) -> Match:
    return max(one, other, key=lambda match: _FROM_WORST.index(match.found))


def _decoded(value: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (Base64Error, ValueError):
        return b""
