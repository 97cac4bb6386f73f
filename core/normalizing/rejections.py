"""What a body holds that cannot be used, with the bytes that a dead letter keeps."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from core.normalizing.body import Body, Malformed
from core.normalizing.elements import raw_events
from core.normalizing.ids import text_id
from core.normalizing.reasons import Rejection, RejectReason

_DETERMINISTIC = msgspec.json.Encoder(order="deterministic")


class Unusable(NamedTuple):
    """An event that cannot be used, by its place in the body."""

    reason: RejectReason
    place: int


def reject(
    found: Sequence[Unusable],
    body: bytes,
    request: Body,
    *,
    call_type: str | None,
    max_id_chars: int,
) -> tuple[Rejection, ...]:
    """A rejection of each of a body's unusable events; `call_type` is what the path said of it."""
    if not found:
        return ()
    originals = _originals(body, request) if any(one.reason == "too_deep" for one in found) else []
    return tuple(
        Rejection(
            reason=reason,
            message_id=given_message_id(request.events[place], max_id_chars),
            body=originals[place]
            if reason == "too_deep" and originals
            else _encoded(request.events[place]),
            call_type=call_type,
        )
        for reason, place in found
    )


def given_message_id(event: Any, max_chars: int) -> str | None:
    """The sender's id of an event, in newer and older spelling, no longer than it may be."""
    if isinstance(event, dict):
        for name in ("messageId", "message_id"):
            if given := text_id(event.get(name)):
                return given[:max_chars]
    return None


def _originals(body: bytes, request: Body) -> list[bytes]:
    """Every event as it came; none where a look at the bytes finds other events."""
    originals = raw_events(body)
    return originals if len(originals) == len(request.events) else []


def _encoded(event: Any) -> bytes:
    if isinstance(event, Malformed):
        return event.raw
    try:
        return _DETERMINISTIC.encode(event)
    except RecursionError:
        return b""  # nobody honest hides the key of the batch, and nests so deep
