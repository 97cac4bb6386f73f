"""`normalize_events`: from a raw RudderStack request to interaction events.

Each event stands alone: one that cannot be used is rejected with its reason
and costs its neighbours nothing.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from core.events import InteractionEvent
from core.identity.node import Claim
from core.normalizing.body import Malformed, NotJsonError, split_body
from core.normalizing.clock import event_time
from core.normalizing.consent import forbidding_ids, is_forbidden
from core.normalizing.depth import deeper_ones
from core.normalizing.ids import text_id
from core.normalizing.linking import claims_of, visitor_of
from core.normalizing.mapping import CALL_TYPES, EventMapper
from core.normalizing.masking import masked_raw
from core.normalizing.reasons import NormalizedBatch, Rejection, UnusableEventError, Withdrawal
from core.normalizing.rejections import Unusable, given_message_id, reject

_KNOWN_CALLS = frozenset({"track", *CALL_TYPES})
# What a retry or RudderStack's own way changes, so it cannot tell two events apart.
_VOLATILE = frozenset({"sentAt", "receivedAt", "rudderId", "request_ip"})
_DETERMINISTIC = msgspec.json.Encoder(order="deterministic")


class _Normalized(NamedTuple):
    """What came of one event; `forbidding` are its visitor's ids where it may not be used."""

    ts_ms: int
    events: Sequence[InteractionEvent] = ()
    claims: Sequence[Claim] = ()
    forbidding: tuple[str, ...] | None = None


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
    limits = mapper.limits
    try:
        request = split_body(body)
    except NotJsonError:
        whole = Rejection(reason="malformed", message_id=None, body=masked_raw(body))
        return NormalizedBatch(events=(), rejections=(whole,), expired=0)
    events: list[InteractionEvent] = []
    claims: list[Claim] = []
    withdrawals: list[Withdrawal] = []
    unusable: list[Unusable] = []
    expired = 0
    # A path such as /v1/track types the one bare event; those of a batch type themselves.
    bare_call = call_type if request.is_bare else None
    too_deep = deeper_ones(body, request.events, limits.max_depth)
    for place, event in enumerate(request.events):
        if place in too_deep:
            unusable.append(Unusable("too_deep", place))
            continue
        try:
            found = _normalize(event, mapper, request.sent_at, arrived_ms, bare_call)
        except UnusableEventError as exc:
            unusable.append(Unusable(exc.reason, place))
            continue
        except RecursionError:  # where the setting allows more than Python does
            unusable.append(Unusable("too_deep", place))
            continue
        if found.ts_ms < arrived_ms - window_ms:
            expired += 1
        elif found.forbidding is not None:
            withdrawals.append(Withdrawal(user_ids=found.forbidding, ts_ms=found.ts_ms))
        else:
            events += found.events
            claims += found.claims
    rejections = reject(
        unusable,
        body,
        request,
        call_type=bare_call,
        max_id_chars=limits.max_id_chars,
        minimal=mapper.minimal,
    )
    return NormalizedBatch(
        events=tuple(events),
        claims=tuple(claims),
        withdrawals=tuple(withdrawals),
        rejections=rejections,
        expired=expired,
    )


def _normalize(
    event: Any, mapper: EventMapper, sent_at: Any, arrived_ms: int, call_type: str | None
) -> _Normalized:
    if not isinstance(event, dict):
        raise UnusableEventError(event.reason if isinstance(event, Malformed) else "not_an_object")
    ts_ms = event_time(event, sent_at, arrived_ms)
    # Before anything is judged: what cannot be used is kept for a while, too.
    if is_forbidden(event, mapper.consent):
        return _Normalized(ts_ms, forbidding=forbidding_ids(event, mapper.limits))
    call = _call(event, call_type)
    base = InteractionEvent(
        user_id=visitor_of(event, mapper.limits.max_id_chars),
        ts_ms=ts_ms,
        message_id=_message_id(event, mapper.limits.max_id_chars),
        kind="other",
    )
    claims = claims_of(event, call, base.ts_ms, mapper.limits)
    return _Normalized(base.ts_ms, mapper.map(event, call, base), claims)


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


def _message_id(event: dict[str, Any], max_chars: int) -> str:
    """The sender's id, else one that the content gives."""
    if given := given_message_id(event, max_chars):
        return given
    content = {key: value for key, value in event.items() if key not in _VOLATILE}
    if "originalTimestamp" in content:
        content.pop("timestamp", None)  # derived from the receipt, so a retry changes it
    digest = hashlib.blake2b(_DETERMINISTIC.encode(content), digest_size=16)
    return f"content-{digest.hexdigest()}"
