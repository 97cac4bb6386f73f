"""`BufferWalk`: over everybody's buffered events, for what is counted over all visitors.

A few users at a time, and resting most of the time: workers and answers come first.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic

from core.ports import EventBuffer, EventWindow

_USERS_AT_ONCE = 20
"""Some ten milliseconds of events: nobody else in the process waits longer for a turn."""
_SHARE = 0.1


class BufferWalk:
    """Gives every user's events once."""

    def __init__(
        self,
        buffer: EventBuffer,
        *,
        users_at_once: int = _USERS_AT_ONCE,
        share: float = _SHARE,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        """`share` of the time is worked, here and by who uses the events; the rest is rest."""
        self._buffer = buffer
        self._users_at_once = users_at_once
        self._rest = 1 / share - 1
        self._clock_s = clock_s

    async def windows(self, *, since_ms: int) -> AsyncIterator[Sequence[EventWindow]]:
        """The events from a moment on, some users' at a time, in no order.

        Holds a number of every user it has met, some 70 bytes: a server that
        grows or shrinks may name one twice.

        Raises: RetryableError when the buffer is away.
        """
        met: set[int] = set()
        from_s = self._clock_s()
        async for users in user_groups(self._buffer, self._users_at_once):
            new = [user for user in dict.fromkeys(users) if hash(user) not in met]
            met.update(map(hash, new))
            yield await self._buffer.fetch_events(new, since_ms=since_ms)
            await asyncio.sleep((self._clock_s() - from_s) * self._rest)
            from_s = self._clock_s()


async def user_groups(buffer: EventBuffer, size: int) -> AsyncIterator[list[str]]:
    """Everybody with buffered events, so many at a time."""
    users: list[str] = []
    async for user in buffer.user_ids():
        users.append(user)
        if len(users) == size:
            yield users
            users = []
    if users:
        yield users
