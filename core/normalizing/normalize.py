"""`normalize_events`: from a raw RudderStack request to interaction events.

Each event stands alone: one that cannot be used is rejected with its reason
and costs its neighbours nothing.
"""

import hashlib
from typing import Any

import msgspec

from core.events import InteractionEvent
from core.normalizing.body import Malformed, NotJsonError, raw_events, split_body
from core.normalizing.clock import event_time
from core.normalizing.ids import MAX_ID_CHARS, text_id
from core.normalizing.mapping import CALL_TYPES, EventMapper, merged_ids
from core.normalizing.reasons import NormalizedBatch, Rejection, RejectReason, UnusableEventError

_KNOWN_CALLS = frozenset({"track", *CALL_TYPES})
# What a retry or RudderStack's own way changes, so it cannot tell two events apart.
_VOLATILE = frozenset({"sentAt", "receivedAt", "rudderId", "request_ip"})
_DETERMINISTIC = msgspec.json.Encoder(order="deterministic")


def normalize_events(
    body: bytes,
    mapper: EventMapper,
    *,
    arrived_ms: int,
    window_ms: int,
    call_type: str | None = None,
) -> NormalizedBatch:
    """Turn a request body into events, rejections and a count of what is too old.

    `call_type` is what the request's path says of a bare event (`/v1/track`).
    The result depends on the arguments alone.

    Units: `arrived_ms` Unix milliseconds, `window_ms` milliseconds.
    """
    try:
        request = split_body(body)
    except NotJsonError:
        return NormalizedBatch(
            events=(), rejections=(_reject("malformed", Malformed(body)),), expired=0
        )
    events: list[InteractionEvent] = []
    rejections: list[Rejection] = []
    expired = 0
    # A path such as /v1/track types the one bare event; those of a batch type themselves.
    bare_call = call_type if request.is_bare else None
    for index, event in enumerate(request.events):
        try:
            found = _normalize(event, mapper, request.sent_at, arrived_ms, bare_call)
        except UnusableEventError as exc:
            rejections.append(_reject(exc.reason, event, bare_call))
            continue
        except RecursionError:  # decoded, and yet nested too deep to be encoded again
            rejections.append(_reject("malformed", Malformed(raw_events(body)[index])))
            continue
        if found[0].ts_ms < arrived_ms - window_ms:
            expired += 1
        else:
            events += found
    return NormalizedBatch(events=tuple(events), rejections=tuple(rejections), expired=expired)


def _normalize(
    event: Any, mapper: EventMapper, sent_at: Any, arrived_ms: int, call_type: str | None
) -> list[InteractionEvent]:
    if not isinstance(event, dict):
        raise UnusableEventError("malformed" if isinstance(event, Malformed) else "not_an_object")
    call = _call(event, call_type)
    base = InteractionEvent(
        user_id=_user(event),
        ts_ms=event_time(event, sent_at, arrived_ms),
        message_id=_message_id(event),
        kind="other",
    )
    return mapper.map(event, call, base)


def _call(event: dict[str, Any], call_type: str | None) -> str:
    call = call_type or event.get("type")
    if not call and text_id(event.get("event")):
        call = "track"  # an operator's own mapping may leave the type out; only a track is named
    if not call:
        raise UnusableEventError("no_type")
    name = call.strip().lower() if isinstance(call, str) else ""
    if name not in _KNOWN_CALLS:
        raise UnusableEventError("unknown_type")
    return name


def _user(event: dict[str, Any]) -> str:
    user = text_id(event.get("userId")) or text_id(event.get("anonymousId"))
    if user is None and (merged := merged_ids(event)):
        user = merged[0]
    if user is None:
        raise UnusableEventError("no_user")
    if len(user) > MAX_ID_CHARS:
        raise UnusableEventError("user_id_too_long")
    return user


def _message_id(event: dict[str, Any]) -> str:
    """The sender's id, in newer and older spelling, else one that the content gives."""
    for name in ("messageId", "message_id"):
        if given := text_id(event.get(name)):
            return given[:MAX_ID_CHARS]
    content = {key: value for key, value in event.items() if key not in _VOLATILE}
    if "originalTimestamp" in content:
        content.pop("timestamp", None)  # derived from the receipt, so a retry changes it
    digest = hashlib.blake2b(_DETERMINISTIC.encode(content), digest_size=16)
    return f"content-{digest.hexdigest()}"


def _reject(reason: RejectReason, event: Any, call_type: str | None = None) -> Rejection:
    if isinstance(event, Malformed):
        return Rejection(reason=reason, message_id=None, body=event.raw)
    message_id = None
    if isinstance(event, dict):
        message_id = text_id(event.get("messageId")) or text_id(event.get("message_id"))
    try:
        body = _DETERMINISTIC.encode(event)
    except RecursionError:
        body = b""  # the stream's entry still has it
    return Rejection(reason=reason, message_id=message_id, body=body, call_type=call_type)
