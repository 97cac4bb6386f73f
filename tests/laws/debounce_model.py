"""What the debounce owes one user, as a list of marks and the rules about it."""

from collections.abc import Sequence

from core.queues import Debounce, DueQueue
from tests.build import accepted

TIMES = Debounce(debounce_ms=250, max_wait_ms=2_000, lease_ms=30_000)


async def mark_due(queue: DueQueue, users: Sequence[str], now_ms: int) -> None:
    """Mark users whose events are accepted now."""
    await queue.mark(accepted(*users, at_ms=now_ms), now_ms=now_ms)


class Owed:
    """One user. `marks` are those since the last pop, by the clocks that made them."""

    def __init__(self) -> None:
        """Nothing is owed."""
        self.marks: list[int] = []
        self.taken: list[int] = []
        """The marks that the lease has taken on."""
        self.booked_ms: int | None = None
        self.lapsed_ms: int | None = None
        """When a lease was seen to have ended without a completion."""
        self.popped_ms: int | None = None
        self.token: int | None = None
        self.until_ms = 0
        """The end of the lease, while there is a token."""

    def due_ms(self, *, skew_ms: int = 0) -> int | None:
        """When the user is to be refreshed; with `skew_ms` the earliest that clocks excuse."""
        times = [] if self.lapsed_ms is None else [self.lapsed_ms]
        if self.marks:
            leading = self._is_quiet(self.marks[0] + skew_ms)
            times.append(self.marks[0] if leading else _gathered(self.marks))
        elif self.booked_ms is not None:
            times.append(self.booked_ms)
        return min(times, default=None)

    def accepted_ms(self) -> int | None:
        """When the oldest event came that no completed refresh has seen."""
        return min([*self.taken, *self.marks], default=None)

    def lapse(self, now_ms: int) -> None:
        """The lease is over if its time is; the user is due again at once."""
        if self.token is not None and self.until_ms <= now_ms:
            self.token, self.lapsed_ms = None, now_ms

    def lease(self, token: int, now_ms: int) -> None:
        """All that was owed is taken on by whoever holds the token."""
        self.taken, self.marks = [*self.taken, *self.marks], []
        self.booked_ms = self.lapsed_ms = None
        self.popped_ms = now_ms
        self.token, self.until_ms = token, now_ms + TIMES.lease_ms

    def complete(self, token: int, again_ms: int | None) -> None:
        """End the lease if it is this one; a mark in the meantime outdoes a booking."""
        if token == self.token:
            self.token, self.taken = None, []
            self.booked_ms = None if self.marks else again_ms

    def _is_quiet(self, now_ms: int) -> bool:
        return self.popped_ms is None or now_ms - self.popped_ms >= TIMES.debounce_ms


def _gathered(marks: list[int]) -> int:
    """The end of a burst: its first gap, or the longest wait."""
    end_ms = marks[0] + TIMES.debounce_ms
    for at_ms in marks:
        if at_ms < end_ms:
            end_ms = at_ms + TIMES.debounce_ms
    return min(end_ms, marks[0] + TIMES.max_wait_ms)
