"""When an event happened, by clocks that cannot all be trusted."""

from datetime import UTC, datetime
from typing import Any

NETWORK_NOISE_MS = 10_000
"""RudderStack gives a request ten seconds. A device whose clock differs by less
than a slow request takes shows no skew, and a retry then gives the same time."""

_MILLISECONDS_FROM = 1e11
"""Larger epoch numbers are milliseconds (from 1973 on), smaller ones seconds."""


def event_time(event: dict[str, Any], sent_at: Any, arrived_ms: int) -> int:
    """The corrected time of an event, never later than its receipt.

    `timestamp` wins. Without it the device's `originalTimestamp` is moved by
    the skew between its `sentAt` and our receipt. `receivedAt` is
    RudderStack's clock and bounds the future, as `arrived_ms` does.

    Units: Unix milliseconds.
    Source: RudderStack, "Clock skew considerations" of the event specification.
    """
    received = parse_time(event.get("receivedAt"))
    bound = arrived_ms if received is None else min(received, arrived_ms)
    happened = parse_time(event.get("timestamp"))
    if happened is None:
        happened = _corrected(event, sent_at, bound)
    return min(happened, bound)


def parse_time(value: Any) -> int | None:
    """Read an ISO 8601 text (naive means UTC) or an epoch number.

    Units: Unix milliseconds.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _parse_number(value)
    return None


def _parse_number(value: float) -> int | None:
    try:
        return round(value if abs(value) >= _MILLISECONDS_FROM else value * 1000)
    except (ValueError, OverflowError):  # NaN, Infinity
        return None


def _parse_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _corrected(event: dict[str, Any], sent_at: Any, received_ms: int) -> int:
    original = parse_time(event.get("originalTimestamp"))
    if original is None:
        return received_ms
    sent = parse_time(event.get("sentAt") or sent_at)
    skew = 0 if sent is None else received_ms - sent
    return original + skew if abs(skew) > NETWORK_NOISE_MS else original
