"""What a body holds that cannot be used, with the bytes that a dead letter keeps."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from core.normalizing.body import Body, Malformed
from core.normalizing.elements import raw_events
from core.normalizing.ids import text_id
from core.normalizing.masking import masked_json, masked_raw
from core.normalizing.minimal import MinimalEvents
from core.normalizing.personal import is_personal
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
    minimal: MinimalEvents,
) -> tuple[Rejection, ...]:
    """A rejection of each of a body's unusable events; `call_type` is what the path said of it."""
    if not found:
        return ()
    originals = _originals(body, request) if any(one.reason == "too_deep" for one in found) else []

    def kept(reason: RejectReason, place: int) -> bytes:
        event = request.events[place]
        if reason == "too_deep":
            return masked_json(originals[place] if originals else _encoded(event))
        return masked_raw(event.raw) if isinstance(event, Malformed) else _reduced(event, minimal)

    return tuple(
        Rejection(
            reason=reason,
            message_id=given_message_id(request.events[place], max_id_chars),
            body=kept(reason, place),
            call_type=call_type,
        )
        for reason, place in found
    )


def given_message_id(event: Any, max_chars: int) -> str | None:
    """The sender's id of an event, in newer and older spelling, no longer than it may be.

    One that looks personal is none: it would lie beside the event, wherever that is kept.
    """
    if isinstance(event, dict):
        for name in ("messageId", "message_id"):
            if given := text_id(event.get(name)):
                return None if is_personal(given) else given[:max_chars]
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


def _reduced(event: Any, minimal: MinimalEvents) -> bytes:
    try:
        return _DETERMINISTIC.encode(minimal.of(event))
    except RecursionError:  # where the setting allows more than Python does
        return masked_json(_encoded(event))
