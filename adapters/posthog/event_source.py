"""`PostHogEventSource`: the events of an export, by visitor."""

from collections.abc import Sequence
from pathlib import Path

from adapters.posthog.export_file import ExportedEvent, exported_events
from core.events import InteractionEvent, event_order
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.ports import Begun, EventWindow, each_alone

_REVISION = 1
"""A file does not change while it is read."""


class PostHogEventSource:
    """An `EventSource` over an export, read at once; links between ids are not followed."""

    def __init__(self, path: Path, mapper: EventMapper, *, now_ms: int, window_ms: int) -> None:
        """Events by the event plan of `mapper`, as far back as the window reaches.

        Raises: RejectedError where the file is no export, OSError.
        """
        events: dict[str, InteractionEvent] = {}
        self.left_out = 0
        for one in exported_events(path):
            if not isinstance(one, ExportedEvent):
                self.left_out += 1
                continue
            found = normalize_events(one.body, mapper, arrived_ms=now_ms, window_ms=window_ms)
            self.left_out += len(found.rejections) + found.expired
            events.update((event.message_id, event) for event in found.events)
        self._by_user: dict[str, list[InteractionEvent]] = {}
        for event in sorted(events.values(), key=event_order):
            self._by_user.setdefault(event.user_id, []).append(event)

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:  # noqa: ARG002
        """Begin to refresh each of the ids."""
        return [each_alone(one, _REVISION) for one in dict.fromkeys(user_ids)]

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """The events of each user from `since_ms` on, oldest first."""
        return [
            EventWindow(
                user_id=one,
                revision=_REVISION,
                events=tuple(it for it in self._by_user.get(one, ()) if it.ts_ms >= since_ms),
            )
            for one in user_ids
        ]
