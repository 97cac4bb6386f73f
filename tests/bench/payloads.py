"""Events as RudderStack's SDK sends them, of exactly one kilobyte each."""

from collections.abc import Sequence
from time import gmtime, strftime, time
from typing import Any

import msgspec
import numpy as np

from core.content import ContentFilter
from core.events import InteractionEvent
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.ports import ContentStore

EVENT_BYTES = 1024
_IMPRESSIONS = 6
_REASONS = ("next_button", "link", "close_button", "abandon")
_MINUTE_MS = 60_000
_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "


def visitor(number: int) -> str:
    """The id of a visitor."""
    return f"visitor-{number:06d}"


def event(user_id: str, number: int, items: Sequence[str]) -> bytes:
    """The `number`th event of a visitor, who opens, reads, rates and looks up items.

    Ten events are four views of two events each, a rating and a look-up; an
    opening comes with the items that were shown beside it.
    """
    shown = _stamp(time() - (1000 - number % 1000) * 60)
    draw = np.random.default_rng((number // 2 * 2, *user_id.encode()))
    picked = [f"content_{items[row]}" for row in draw.integers(len(items), size=_IMPRESSIONS + 1)]
    name, properties = _said(number, picked)
    whole: dict[str, Any] = {
        "type": "track",
        "event": name,
        "userId": user_id,
        "anonymousId": "0d3f3c8e-6a0a-4f7e-9c51-3c1d4a1c2b7e",
        "messageId": f"{user_id}-{number:08d}",
        "channel": "mobile",
        "originalTimestamp": shown,
        "timestamp": shown,
        "properties": properties,
        "context": {
            "sessionId": 1732435200123,
            "locale": "de-DE",
            "library": {"name": "rudder-ios-library", "version": "1.29.1"},
            "userAgent": "",
        },
        "integrations": {"All": True},
    }
    missing = EVENT_BYTES - len(msgspec.json.encode(whole))
    whole["context"]["userAgent"] = (_AGENT * (missing // len(_AGENT) + 1))[:missing]
    return msgspec.json.encode(whole)


def body(events: Sequence[bytes]) -> bytes:
    """One event by itself, several as a batch."""
    return events[0] if len(events) == 1 else b'{"batch":[' + b",".join(events) + b"]}"


async def item_ids(contents: ContentStore) -> list[str]:
    """The items of a catalogue."""
    everything = await contents.sample(limit=1_000_000, seed=0, where=ContentFilter())
    return sorted(content.id for content in everything)


def history(
    user_id: str, count: int, items: Sequence[str], mapper: EventMapper
) -> list[InteractionEvent]:
    """A visitor's first events as the worker buffers them."""
    found = normalize_events(
        body([event(user_id, number, items) for number in range(count)]),
        mapper,
        arrived_ms=round(time() * 1000),
        window_ms=30 * 24 * 60 * _MINUTE_MS,
    )
    if len(found.events) != count:
        raise RuntimeError(f"{len(found.events)} of {count} events are usable: {found.rejections}")
    return list(found.events)


def _said(number: int, picked: Sequence[str]) -> tuple[str, dict[str, Any]]:
    content = {"content_id": picked[0]}
    place = number % 10
    if place == 8:
        return "SURVEY_ANSWERED", {"content": content, "details": {"rating": number // 10 % 5 + 1}}
    if place == 9:
        return "CONTENT_LOOKUP", {"details": {"clicked_id": picked[0]}}
    if place % 2 == 0:
        return "CONTENT_VIEW_STARTED", {"content": content, "context": {"candidates": picked[1:]}}
    details = {"reason": _REASONS[number // 2 % 4], "dwell_seconds": number * 7 % 90}
    return "CONTENT_VIEW_ENDED", {"content": content, "details": details}


def _stamp(seconds: float) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(seconds)) + ".000Z"
