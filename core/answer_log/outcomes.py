"""What became of an answer: the events that its items led to.

By the `request_id` that an app sends back, else by visitor, item and time: then
it is an outcome of the latest answer before it that showed the item.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

import msgspec

from core.answer_log.entry import AnswerEntry, EventEntry

WITHIN_MS = 86_400_000
"""An item that is opened a day after it was shown was found some other way."""
_OPENING = frozenset({"view_started", "view_ended"})


class ItemOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a visitor did with an item of an answer; of what was not observed None.

    Units: `first_ms` Unix milliseconds, `dwell_seconds` seconds, `rating` 1 to 5.
    """

    first_ms: int
    opened: bool = False
    dwell_seconds: float | None = None
    reason: str | None = None
    rating: float | None = None


class Outcomes:
    """Looks up what followed an answer.

    All events are added first, then every answer is shown once, in any order, and
    only then is asked: which answer came last before an event is not known sooner.
    Holds the events, and of answers what events without an id may be of.
    """

    def __init__(self, *, within_ms: int = WITHIN_MS) -> None:
        """`within_ms`: how long after an answer an event may still be of it."""
        self._within_ms = within_ms
        self._by_request: dict[tuple[str, str], list[EventEntry]] = {}
        self._by_visitor: dict[tuple[str, str], list[EventEntry]] = {}
        self._shown_ms: dict[tuple[str, str], list[int]] = {}
        self._known: set[str] = set()

    def add(self, events: Iterable[EventEntry]) -> None:
        """Events in any order; one that comes twice counts once."""
        for event in events:
            if event.content_id is None or event.message_id in self._known:
                continue
            self._known.add(event.message_id)
            if event.request_id:
                key = (event.request_id, event.content_id)
                self._by_request.setdefault(key, []).append(event)
            else:
                key = (event.user, event.content_id)
                self._by_visitor.setdefault(key, []).append(event)

    def show(self, entry: AnswerEntry) -> None:
        """An answer that was given."""
        for item in entry.slate:
            for visitor in {entry.user, entry.asked}:
                key = (visitor, item.content_id)
                if key in self._by_visitor:
                    self._shown_ms.setdefault(key, []).append(entry.served_at_ms)

    def settle(self) -> None:
        """Every answer was shown."""
        for times in self._shown_ms.values():
            times.sort()

    def of(self, entry: AnswerEntry) -> Mapping[str, ItemOutcome]:
        """What was done with its items, by their ids; who is missing was left alone."""
        found = {}
        for item in entry.slate:
            events = [*self._by_request.get((entry.request_id, item.content_id), ())]
            for visitor in {entry.user, entry.asked}:
                events += self._later(entry, (visitor, item.content_id))
            if events:
                found[item.content_id] = _outcome(events)
        return found

    def _later(self, entry: AnswerEntry, key: tuple[str, str]) -> Iterable[EventEntry]:
        """The visitor's events with the item up to the next answer that showed it."""
        if key not in self._shown_ms:
            return
        times = self._shown_ms[key]
        place = bisect_right(times, entry.served_at_ms)
        end_ms = entry.served_at_ms + self._within_ms
        if place < len(times):
            end_ms = min(end_ms, times[place] - 1)
        for event in self._by_visitor[key]:
            if entry.served_at_ms <= event.ts_ms <= end_ms:
                yield event


def _outcome(events: Iterable[EventEntry]) -> ItemOutcome:
    """The latest that is said of each thing counts; of dwell the longest."""
    ordered = sorted(events, key=lambda one: (one.ts_ms, one.message_id))
    dwells = [one.dwell_seconds for one in ordered if one.dwell_seconds is not None]
    reasons = [one.reason for one in ordered if one.reason is not None]
    ratings = [one.rating for one in ordered if one.rating is not None]
    clicked = any(one.kind in _OPENING or one.kind == "search" for one in ordered)
    return ItemOutcome(
        first_ms=ordered[0].ts_ms,
        opened=clicked,
        dwell_seconds=max(dwells, default=None),
        reason=reasons[-1] if reasons else None,
        rating=ratings[-1] if ratings else None,
    )
