"""Event buffers in the memory of one process: the embedded default, and a fixed source."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from core.events import InteractionEvent, decode_member, encode_member
from core.ports import Begun, EventWindow, each_alone


class InMemoryEventBuffer:
    """Keeps each user's events as members with a time, as the Redis buffer does."""

    def __init__(self, *, window_ms: int, max_events: int) -> None:
        """Bound a user's events by age and by number, the newest staying."""
        self._window_ms = window_ms
        self._max_events = max_events
        self._members: dict[str, dict[bytes, int]] = {}
        self._revisions: dict[str, int] = {}

    async def append(self, events: Sequence[InteractionEvent], *, now_ms: int) -> frozenset[str]:
        """Store events; returns the users whose buffer changed."""
        before = {event.user_id: dict(self._members.get(event.user_id, {})) for event in events}
        since_ms = now_ms - self._window_ms
        for event in events:
            if event.ts_ms < since_ms:
                continue
            members = self._members.setdefault(event.user_id, {})
            member = encode_member(event)
            if event.ts_ms < members.get(member, event.ts_ms + 1):
                members[member] = event.ts_ms
        for user_id in before.keys() & self._members.keys():
            self._prune(user_id, now_ms)
        changed = {user for user in before if _gained(before[user], self._members.get(user, {}))}
        for user_id in changed:
            self._revisions[user_id] = max(self._revisions.get(user_id, 0) + 1, now_ms)
        return frozenset(changed)

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:
        """Begin to refresh each of the ids."""
        for user_id in user_ids:
            self._revisions[user_id] = max(self._revisions.get(user_id, 0) + 1, now_ms)
        return [each_alone(one, self._revisions[one]) for one in dict.fromkeys(user_ids)]

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """The events of each user from `since_ms` on, oldest first."""
        return [self._window(user_id, since_ms) for user_id in user_ids]

    async def latest_ms(self, user_ids: Sequence[str]) -> Sequence[int | None]:
        """The time of each user's newest event, None for who has none."""
        return [max(self._members.get(one, {}).values(), default=None) for one in user_ids]

    async def user_ids(self) -> AsyncIterator[str]:
        """Everybody with buffered events."""
        for user_id, members in list(self._members.items()):
            if members:
                yield user_id

    async def forget(self, user_ids: Sequence[str], *, until_ms: int | None = None) -> int:
        """Remove the users' events up to that moment, None: all of them; how many there were."""
        removed = 0
        for user_id in dict.fromkeys(user_ids):
            members = self._members.pop(user_id, {})
            kept = {one: ts_ms for one, ts_ms in members.items() if ts_ms > (until_ms or 0)}
            if until_ms is None:
                kept = {}
                self._revisions.pop(user_id, None)
            elif kept:
                self._members[user_id] = kept
            removed += len(members) - len(kept)
        return removed

    def _window(self, user_id: str, since_ms: int) -> EventWindow:
        kept = self._members.get(user_id, {}).items()
        found = sorted((ts_ms, member) for member, ts_ms in kept if ts_ms >= since_ms)
        return EventWindow(
            user_id=user_id,
            revision=self._revisions.get(user_id, 0),
            events=tuple(
                decode_member(member, user_id=user_id, ts_ms=ts_ms) for ts_ms, member in found
            ),
        )

    def _prune(self, user_id: str, now_ms: int) -> None:
        by_age = sorted((ts_ms, member) for member, ts_ms in self._members[user_id].items())
        newest = by_age[-self._max_events :]
        kept = {member: ts_ms for ts_ms, member in newest if ts_ms >= now_ms - self._window_ms}
        self._members[user_id] = kept


def _gained(before: Mapping[bytes, int], after: Mapping[bytes, int]) -> bool:
    """Whether an event was added, or moved to an earlier time."""
    return any(ts_ms < before.get(member, ts_ms + 1) for member, ts_ms in after.items())


class FakeEventSource:
    """An `EventSource` over a fixed list, for tests and experiments."""

    def __init__(self, events: Iterable[InteractionEvent], revision: int = 1) -> None:
        """Keep the events; the revision never changes."""
        self._events = tuple(events)
        self._revision = revision

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:  # noqa: ARG002
        """Begin to refresh each of the ids, at the one revision."""
        return [each_alone(one, self._revision) for one in dict.fromkeys(user_ids)]

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """The events of each user from `since_ms` on, oldest first."""
        by_time = sorted(self._events, key=lambda event: event.ts_ms)
        return [
            EventWindow(
                user_id=user_id,
                revision=self._revision,
                events=tuple(
                    event
                    for event in by_time
                    if event.user_id == user_id and event.ts_ms >= since_ms
                ),
            )
            for user_id in user_ids
        ]
