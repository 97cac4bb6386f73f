"""Requests for the fuzz: envelopes around events, packed and damaged in every way."""

import gzip
from collections.abc import Callable
from random import Random

import msgspec

from tests.laws.fuzz_events import encoded, event, mutated, no_event

LIMIT_BYTES = 400_000
"""Of a body; small, so that a bomb is."""

_PATHS = ("/api/ingest", "/api/ingest/", "/v1/batch", "/v1/track", "/api/ingest/v1/page/")
_HEADERS = (
    *[(b"x-api-key", b"key")] * 5,
    (b"authorization", b"Bearer key"),
    (b"authorization", b"Basic a2V5Og=="),
    (b"authorization", b"Basic \xff\xfe"),
    (b"authorization", b"basic ===="),
    (b"authorization", b""),
    (b"x-api-key", b"k\xe9y"),
)
_DEEP = b"[" * 3000 + b"]" * 3000
_SENT = b'"sentAt":"2025-11-24T15:00:00Z"'
_ENVELOPES = (
    (b"[", b"]"),
    (b"\n [ ", b"\t]\r\n"),
    (b'{"batch":[', b"]}"),
    (b"{" + _SENT + b',"batch" : [', b"]}"),
    (b'{"batch":[', b"]," + _SENT + b"}"),
    (b'{"context":{"batch":[{}]},"batch":[', b'],"x":NaN}'),
    (b'{"batch":[{}],"batch":[', b"]}"),
    (b'{"batch":null,"a":"batch","batch":[', b'],"sentAt":"\xff"}'),
    (b'{"x":' + _DEEP + b',"batch":[', b"]," + _SENT + b"}"),
)
_NO_JSON = (
    *(b"", b" ", b"\x00", b"<xml/>", b"a=b&c=d", b"{'a':1}", b"{} {}", b"]", b"}{", b'"', b"\\"),
    *(b"null", b"1", b'"text"', b'{"batch":{}}', b"\xef\xbb\xbf", b"\xff\xfe[\x00]\x00", b"tru"),
    *(b'"\\' * 5000, b'{"batch":[' * 900, b"[1," * 4000, b'{"a":' * 3000, b"\x1f\x8b", b"[01]"),
    *(b"nan", b"NaN", b"[1,]", b"\x1f\x8b\x08" + b"\x00" * 40),
)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and what is known of its body.

    `opening`, `elements` and `closing` make the text of the body; where they
    are None nothing is known of it. The sender may be `gone` before its end.
    """

    path: str
    header: tuple[bytes, bytes] = (b"x-api-key", b"key")
    chunks: tuple[bytes, ...]
    gone: bool = False
    opening: bytes = b""
    elements: tuple[bytes, ...] | None = None
    closing: bytes = b""
    markers: tuple[str, ...] = ()


def request(dice: Random) -> Sent:
    """Any request: half of them whole, the others damaged."""
    if dice.random() < 0.05:
        return Sent(path=dice.choice(_PATHS), chunks=_cut(dice, dice.choice(_NO_JSON)))
    sent = _whole(dice)
    text = sent.opening + b",".join(sent.elements or ()) + sent.closing
    if dice.random() < 0.5:
        return msgspec.structs.replace(sent, chunks=_cut(dice, dice.choice(_PACKED)(text)))
    return Sent(
        path=sent.path,
        header=dice.choice(_HEADERS),
        chunks=_cut(dice, dice.choice(_DAMAGE)(dice, text)),
        gone=dice.random() < 0.05,
    )


def _whole(dice: Random) -> Sent:
    elements: list[bytes] = []
    markers: list[str] = []
    for _ in range(dice.choice((0, 1, 1, 2, 3, 5, 8))):
        kind = dice.random()
        if kind < 0.4:
            markers.append(f"marker-{len(markers)}")
            elements.append(encoded(event(dice, markers[-1])))
        elif kind < 0.85:
            elements.append(mutated(dice, event(dice, "m")))
        else:
            elements.append(no_event(dice))
    bare = len(elements) == 1 and elements[0].startswith(b"{") and dice.random() < 0.5
    opening, closing = (b"", b"") if bare else dice.choice(_ENVELOPES)
    return Sent(
        path="/api/ingest" if bare and markers else dice.choice(_PATHS),
        chunks=(),
        opening=opening,
        elements=tuple(elements),
        closing=closing,
        markers=tuple(markers),
    )


def _gzip(text: bytes) -> bytes:
    return gzip.compress(text, 1, mtime=0)


def _members(text: bytes) -> bytes:
    """As many gzip members as are read, the last of them empty."""
    size = len(text) // 15 + 1
    parts = [text[start : start + size] for start in range(0, 15 * size, size)]
    return b"".join(_gzip(part) for part in (*parts, b""))


_PACKED: tuple[Callable[[bytes], bytes], ...] = (
    lambda text: text,
    lambda text: text,
    lambda text: b"\xef\xbb\xbf" + text,
    _gzip,
    lambda text: _gzip(b"\xef\xbb\xbf" + text),
    _members,
)


def _flipped(dice: Random, text: bytes) -> bytes:
    changed = bytearray(text or b"x")
    for _ in range(dice.randint(1, 5)):
        changed[dice.randrange(len(changed))] = dice.choice(b'{}[],:"\\0e-\x00\xff\x1f')
    return bytes(changed)


def _slice(dice: Random, text: bytes) -> tuple[int, int]:
    start = dice.randrange(len(text) + 1)
    return start, min(len(text), start + dice.randint(1, 40))


def _without(dice: Random, text: bytes) -> bytes:
    start, end = _slice(dice, text)
    return text[:start] + text[end:]


def _twice(dice: Random, text: bytes) -> bytes:
    start, end = _slice(dice, text)
    return text[:end] + text[start:]


def _halves(dice: Random, text: bytes) -> bytes:
    packed = _gzip(text)
    return packed[: dice.randrange(len(packed))]


_DAMAGE: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flipped,
    _without,
    _twice,
    _halves,
    lambda dice, text: text[: dice.randrange(len(text) + 1)],
    lambda dice, text: text + dice.choice(_NO_JSON),
    lambda dice, text: _flipped(dice, _gzip(text)),
    lambda dice, text: _gzip(_flipped(dice, text)),
    lambda dice, text: _gzip(text) + dice.choice(_NO_JSON),
    lambda dice, _: dice.randbytes(dice.randrange(300)),
    lambda dice, text: _gzip(text + b" " * dice.choice((LIMIT_BYTES, 1_000_000))),
    lambda _, text: _gzip(b"") * 40 + text,
    lambda _, text: text + b" " * LIMIT_BYTES,
)


def _cut(dice: Random, body: bytes) -> tuple[bytes, ...]:
    """As the pieces in which a server hands it over, some of them empty."""
    if dice.random() < 0.7:
        return (body,)
    at = sorted(dice.randrange(len(body) + 1) for _ in range(dice.randint(1, 4)))
    return tuple(body[start:end] for start, end in zip([0, *at], [*at, len(body)], strict=True))
