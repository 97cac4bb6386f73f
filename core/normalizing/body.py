"""From the bytes of a request to its events, whatever one of them looks like.

RudderStack and its SDKs send one event, a bare array or `{"batch": [...]}`,
and the Python SDK writes NaN and Infinity, which JSON does not have. A body
that strict decoding refuses is cut into its events first, so that one bad
event cannot take its neighbours along.
"""

import json
from typing import Any, Literal

import msgspec

from core.errors import RejectedError
from core.normalizing.elements import count_raw_events, envelope, raw_events

_BOM = b"\xef\xbb\xbf"
_STRICT_FAILURES = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotJsonError(RejectedError):
    """The body is not JSON at all."""


class TooManyEventsError(RejectedError):
    """The body holds more events than one request may have."""


class Malformed(msgspec.Struct, frozen=True):
    """An element of a batch that cannot be decoded, as its bytes, and why not."""

    raw: bytes
    reason: Literal["malformed", "too_deep"] = "malformed"


class Body(msgspec.Struct, frozen=True):
    """The events of a request, the envelope's `sentAt`, and whether it is one bare event."""

    events: list[Any]
    sent_at: Any = None
    is_bare: bool = False


class _Envelope(msgspec.Struct):
    batch: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_RAW = msgspec.json.Decoder(msgspec.Raw)


def count_events(body: bytes, *, limit: int) -> int:
    """How many events a body holds, at the cost of one scan.

    A body nested too deep for the decoder counts as one for as long as its
    commas cannot make more than `limit` events: the worker judges each of them.

    Raises: NotJsonError where the body is not JSON at all, TooManyEventsError
        past `limit`.
    """
    events = _count(body, limit)
    if events > limit:
        raise TooManyEventsError(f"the body has {events} events; a request may have {limit}")
    return events


def _count(body: bytes, limit: int) -> int:
    start = body.lstrip()[:1]
    try:
        if start == b"{":
            batch = _ENVELOPE.decode(body).batch
            return len(batch) if isinstance(batch, list) else 1
        if start == b"[":
            return len(_ARRAY.decode(body))
        _RAW.decode(body)
    except RecursionError:
        return 1 if body.count(b",") < limit else count_raw_events(body)
    except _STRICT_FAILURES:
        return len(_salvage(body).events)
    return 1


def split_body(body: bytes) -> Body:
    """The decoded events of a body; what cannot be decoded is a `Malformed`.

    Raises: NotJsonError where the body is not JSON at all.
    """
    try:
        return _unwrap(msgspec.json.decode(body))
    except _STRICT_FAILURES:
        return _salvage(body)


def _unwrap(value: Any) -> Body:
    if isinstance(value, list):
        return Body(value)
    if isinstance(value, dict) and isinstance(value.get("batch"), list):
        return Body(value["batch"], value.get("sentAt"))
    return Body([value], is_bare=True)


def _salvage(body: bytes) -> Body:
    text = body.removeprefix(_BOM)
    try:
        return _unwrap(_decode_leniently(text))
    except RecursionError:
        pass
    except ValueError as exc:
        raise NotJsonError("the body is not JSON") from exc
    # JSON, but nested deeper than any decoder follows: judge it event by event.
    found = raw_events(text)
    events = [_decode_or_keep(raw) for raw in found]
    around = _decode_or_keep(envelope(text))
    sent_at = around.get("sentAt") if isinstance(around, dict) else None
    return Body(events, sent_at, is_bare=found == [text.strip()])


def _decode_or_keep(raw: bytes) -> Any:
    try:
        return _decode_leniently(raw)
    except ValueError:
        return Malformed(raw)
    except RecursionError:
        return Malformed(raw, "too_deep")


def _decode_leniently(raw: bytes) -> Any:
    """Read JSON with NaN (becomes null), lone surrogates or broken UTF-8 (become U+FFFD or ?).

    Line breaks and the like may stand in texts as they are.
    """
    text = raw.decode("utf-8", "replace")
    read = json.loads(text, strict=False, parse_constant=lambda _: None, parse_int=_integer)
    return _clean(read)


def _integer(digits: str) -> int | float:
    """As the strict decoder reads it, so that an event says the same beside any other."""
    try:
        return int(digits)
    except ValueError:  # thousands of digits, which Python refuses
        return float(digits)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
