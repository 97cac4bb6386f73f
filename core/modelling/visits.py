"""Pairs view starts with view ends into visits.

A start pairs with the next end of the same session and item, unless they lie
hours apart. What stays alone is still a visit, of unknown dwell: a lost end
never becomes an hours-long read.
"""

from collections.abc import Sequence

import msgspec

from core.config import EngagementConfig
from core.events import InteractionEvent, ViewEnd


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one item. `dwell_seconds` None means not observed."""

    content_id: str
    last_ms: int
    dwell_seconds: float | None
    reason: ViewEnd | None


def pair_views(events: Sequence[InteractionEvent], config: EngagementConfig) -> tuple[Visit, ...]:
    """The visits among `events`, which must be in `event_order`."""
    opened: dict[tuple[str | None, str], InteractionEvent] = {}
    visits: list[Visit] = []
    for event in events:
        if event.content_id is None:
            continue
        key = (event.session_id, event.content_id)
        if event.kind == "view_started":
            if (earlier := opened.get(key)) is not None:
                visits.append(_unfinished(earlier))
            opened[key] = event
        elif event.kind == "view_ended":
            start = opened.pop(key, None)
            if start is not None and _apart_seconds(start, event) > config.pair_cap_seconds:
                visits.append(_unfinished(start))
                start = None
            visits.append(_finished(start, event))
    visits += map(_unfinished, opened.values())
    return tuple(visits)


def _unfinished(start: InteractionEvent) -> Visit:
    return Visit(
        content_id=str(start.content_id),
        last_ms=start.ts_ms,
        dwell_seconds=start.dwell_seconds,
        reason=start.reason,
    )


def _finished(start: InteractionEvent | None, end: InteractionEvent) -> Visit:
    dwell = end.dwell_seconds
    if dwell is None and start is not None:
        dwell = _apart_seconds(start, end)
    return Visit(
        content_id=str(end.content_id), last_ms=end.ts_ms, dwell_seconds=dwell, reason=end.reason
    )


def _apart_seconds(start: InteractionEvent, end: InteractionEvent) -> float:
    return (end.ts_ms - start.ts_ms) / 1000
