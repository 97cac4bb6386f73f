"""`InteractionEvent`: the one shape in which the engine keeps what a visitor did.

What is kept of an event is this closed list of fields; everything else that
RudderStack sends (addresses, e-mail, user agents, free text) is dropped here.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

EventKind = Literal[
    "view_started",
    "view_ended",
    "search",
    "survey",
    "interaction",
    "identify",
    "alias",
    "merge",
    "page",
    "screen",
    "group",
    "other",
]
ViewEnd = Literal["next_button", "link", "close_button", "abandon"]
AnswerValue = str | int | float | tuple[str | int | float, ...]


class InteractionEvent(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=False
):
    """One thing a visitor did, independent of how it reached us.

    Units: `ts_ms` Unix milliseconds, `dwell_seconds` seconds, `strength` in
        [-1, 1], `rating` 1 to 5.
    """

    user_id: str = ""
    ts_ms: int = 0
    message_id: str
    kind: EventKind
    name: str = ""
    content_id: str | None = None
    session_id: str | None = None
    reason: ViewEnd | None = None
    dwell_seconds: float | None = None
    request_id: str | None = None
    rating: float | None = None
    strength: float | None = None
    impressions: tuple[str, ...] = ()
    answers: Mapping[str, AnswerValue] = {}


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(InteractionEvent)


def encode_member(event: InteractionEvent) -> bytes:
    """Encode an event as a set member: the same message gives the same bytes.

    The user and the time are left out. The buffer knows both (its key and its
    score), and a retry may carry another clock correction; so a retried event
    is the same member, and one that moves to another id is too.
    """
    return _ENCODER.encode(msgspec.structs.replace(event, user_id="", ts_ms=0))


def decode_member(member: bytes, *, user_id: str, ts_ms: int) -> InteractionEvent:
    """Give back the event that `encode_member` wrote, with its user and time.

    Raises: msgspec.DecodeError where `member` was written by something else.
    """
    event = _DECODER.decode(member)
    # Nobody else has it yet, so it is completed in place: a copy would cost as much again.
    msgspec.structs.force_setattr(event, "user_id", user_id)
    msgspec.structs.force_setattr(event, "ts_ms", ts_ms)
    return event


def event_order(event: InteractionEvent) -> tuple[int, int, str, str]:
    """Sort key that makes the order of arrival irrelevant.

    A start sorts before an end of the same millisecond, so a view that was
    opened and closed at once still pairs.
    """
    return (event.ts_ms, event.kind == "view_ended", event.message_id, event.content_id or "")
