"""The debounce queue in the memory of one process; the Redis one follows the same rules."""

from collections.abc import Mapping, Sequence

import msgspec

from core.errors import RetryableError
from core.queues import Debounce, DueUser, Forgotten, QueueDepth, Waiting


class _Lease(msgspec.Struct):
    token: int
    until_ms: int
    accepted_ms: int | None


class InMemoryDueQueue:
    """Who is due when. A user is pending from a mark until popped, and booked otherwise."""

    def __init__(self, debounce: Debounce) -> None:
        """Keep the times of the debounce."""
        self._debounce = debounce
        self._due: dict[str, int] = {}
        self._first: dict[str, int] = {}
        self._leases: dict[str, _Lease] = {}
        self._popped: dict[str, int] = {}
        self._accepted: dict[str, int] = {}
        self._tokens = 0

    async def mark(self, accepted: Mapping[str, int | None], *, now_ms: int) -> None:
        """Due at once after a quiet time, else gathered up to the longest wait.

        Raises: RetryableError, and marks nobody, while the queue is full.
        """
        if accepted and len(self._first) >= self._debounce.max_pending:
            raise RetryableError(f"{len(self._first)} users wait for a refresh already")
        for user_id, accepted_ms in accepted.items():
            self._accept(user_id, accepted_ms)
            self._mark(user_id, now_ms)

    async def pop(self, *, limit: int, now_ms: int) -> Sequence[DueUser]:
        """Lease the users that are due, the longest waiting first."""
        self._expire(now_ms)
        ready = sorted((due, user) for user, due in self._due.items() if due <= now_ms)
        popped: list[DueUser] = []
        for _, user_id in ready:
            if len(popped) == limit:
                break
            if user_id in self._leases:
                continue
            self._tokens += 1
            accepted_ms = self._accepted.pop(user_id, None)
            until_ms = now_ms + self._debounce.lease_ms
            self._leases[user_id] = _Lease(self._tokens, until_ms, accepted_ms)
            self._popped[user_id] = now_ms
            del self._due[user_id]
            self._first.pop(user_id, None)
            popped.append(DueUser(user_id, self._tokens, accepted_ms))
        return popped

    async def complete(self, done: Sequence[DueUser], *, again_ms: int | None) -> None:
        """End the leases whose token is still the one given; book the next refresh."""
        for user in done:
            lease = self._leases.get(user.user_id)
            if lease is None or lease.token != user.token:
                continue
            del self._leases[user.user_id]
            if again_ms is not None:
                self._due.setdefault(user.user_id, again_ms)

    async def depth(self) -> QueueDepth:
        """How many users are in the queue."""
        pending = len(self._first)
        booked = len(self._due) - pending
        return QueueDepth(pending=pending, leased=len(self._leases), booked=booked)

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Waiting]:
        """What it holds of each of the users."""
        return {
            one: Waiting(due_ms=self._due.get(one), is_leased=one in self._leases)
            for one in user_ids
        }

    async def forget(self, user_ids: Sequence[str]) -> Forgotten:
        """Remove all that it holds of the users but their leases."""
        removed, leased = 0, {one for one in user_ids if one in self._leases}
        for one in dict.fromkeys(user_ids):
            removed += one in self._due and one not in leased
            for held in (self._due, self._first, self._popped, self._accepted):
                held.pop(one, None)
        self._due |= dict.fromkeys(leased, 0)
        return Forgotten(removed, len(leased))

    def _accept(self, user_id: str, accepted_ms: int | None) -> None:
        if accepted_ms is not None:
            self._accepted[user_id] = min(accepted_ms, self._accepted.get(user_id, accepted_ms))

    def _mark(self, user_id: str, now_ms: int) -> None:
        first_ms = self._first.get(user_id)
        if first_ms is None:  # not pending: quiet so far, or booked for later
            self._first[user_id] = first_ms = now_ms
            if self._is_quiet(user_id, now_ms):
                self._due[user_id] = now_ms
                return
        elif self._due[user_id] <= max(now_ms, first_ms):
            # Due already, or at once by a clock that is not as slow: only waiting for a worker.
            return
        self._due[user_id] = min(
            first_ms + self._debounce.max_wait_ms, now_ms + self._debounce.debounce_ms
        )

    def _is_quiet(self, user_id: str, now_ms: int) -> bool:
        popped_ms = self._popped.get(user_id)
        return popped_ms is None or now_ms - popped_ms >= self._debounce.debounce_ms

    def _expire(self, now_ms: int) -> None:
        for user_id in [u for u, lease in self._leases.items() if lease.until_ms <= now_ms]:
            taken_ms = self._leases.pop(user_id).accepted_ms
            self._accept(user_id, taken_ms)
            self._first.setdefault(user_id, now_ms)
            self._due[user_id] = min(self._due.get(user_id, now_ms), now_ms)
        quiet_since = now_ms - self._debounce.debounce_ms
        for user_id in [u for u, popped in self._popped.items() if popped <= quiet_since]:
            del self._popped[user_id]
