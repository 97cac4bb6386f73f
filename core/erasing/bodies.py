"""What of a raw body is a person's, and the body without it.

The events of others stay byte for byte what they were: a dead letter, or an
entry that no worker has read, must say the same of them as before.
"""

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec

from core.erasing.naming import named_ids
from core.normalizing.body import Body, Malformed, NotJsonError, split_body
from core.normalizing.elements import raw_events

_ESCAPED = frozenset('"\\/\b\f\n\r\t')
"""What may be written with a backslash without `u`."""
_REPLACED = frozenset("\ufffd?")
"""What broken bytes and lone surrogates are read as."""
_NUMBER = re.compile(r"-?[0-9.]+(?:e[+-]?[0-9]+)?")
_ODD_NUMBERS = re.compile(rb"[0-9][eE][+-]?[0-9]|\.[0-9]{15}")
"""Numbers that may be read as others than they are written."""


class Parted(NamedTuple):
    """The person's own events of a body, and what is left of it: None where nothing is."""

    theirs: tuple[bytes, ...]
    rest: bytes | None


def without_person(body: bytes, ids: Collection[str]) -> bytes | None:
    """The body without the events that name one of the ids; None where no other one is in it."""
    return part(body, ids).rest


def part(body: bytes, ids: Collection[str]) -> Parted:
    """Tell a person's events in a body from those of others.

    An event is the person's if it names one of the ids, whatever for. What
    cannot be decoded is, if the text of one of them occurs in it.
    """
    if not may_name(body, ids):
        return Parted((), body)
    try:
        request = split_body(body)
    except NotJsonError:
        return Parted((body,), None) if _occurs(body, ids) else Parted((), body)
    theirs = [place for place, one in enumerate(request.events) if _is_theirs(one, ids)]
    if not theirs:
        return Parted((), body)
    raw = _raw(body, request)
    others = [one for place, one in enumerate(raw) if place not in set(theirs)]
    return Parted(tuple(raw[place] for place in theirs), _around(others, body, request))


def may_name(body: bytes, ids: Collection[str]) -> bool:
    """Whether decoding the body may show one of the ids; seldom True where it would not."""
    has_escapes, has_coded = b"\\" in body, b"\\u" in body
    return any(
        has_coded
        or one.encode() in body
        or (has_escapes and not _ESCAPED.isdisjoint(one))
        or not _REPLACED.isdisjoint(one)
        or (_NUMBER.fullmatch(one) is not None and _ODD_NUMBERS.search(body) is not None)
        for one in ids
    )


def _is_theirs(event: Any, ids: Collection[str]) -> bool:
    if isinstance(event, Malformed):
        return _occurs(event.raw, ids)
    return not named_ids(event).isdisjoint(ids)


def _occurs(raw: bytes, ids: Collection[str]) -> bool:
    return any(one.encode() in raw or json.dumps(one)[1:-1].encode() in raw for one in ids)


def _raw(body: bytes, request: Body) -> list[bytes]:
    """The bytes of each event; written anew where a look at the bytes finds other events."""
    found = raw_events(body)
    if len(found) == len(request.events):
        return found
    return [
        one.raw if isinstance(one, Malformed) else json.dumps(one).encode()
        for one in request.events
    ]


def _around(events: Sequence[bytes], body: bytes, request: Body) -> bytes | None:
    """Events as a body; of what stood around them only what they need to be read."""
    if not events:
        return None
    inside = b",".join(events)
    if body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        return b"[%b]" % inside
    sent_at = msgspec.json.encode(request.sent_at)
    return b'{"batch":[%b],"sentAt":%b}' % (inside, sent_at)
