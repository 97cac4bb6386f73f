"""The session of a shared device: what whoever stands before it now has done there."""

from itertools import pairwise

import msgspec

from core.events import InteractionEvent
from core.ports import EventWindow


def latest_session(window: EventWindow, *, gap_ms: int) -> EventWindow:
    """The events since the last time that somebody else may have come.

    That is where a session's id changes, or where nothing was done for `gap_ms`.
    """
    events = window.events
    if not events:
        return window
    start = 0
    for place, (before, after) in enumerate(pairwise(events), start=1):
        if _is_break(before, after, gap_ms):
            start = place
    return msgspec.structs.replace(window, events=events[start:], ends_ms=events[-1].ts_ms + gap_ms)


def _is_break(before: InteractionEvent, after: InteractionEvent, gap_ms: int) -> bool:
    is_known = before.session_id is not None and after.session_id is not None
    is_another = is_known and before.session_id != after.session_id
    return is_another or after.ts_ms - before.ts_ms > gap_ms
