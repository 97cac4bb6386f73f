"""When a fault strikes: in the middle of the work, which a random moment mostly misses.

A worker under this load rests most of the time. What it has in hand is seen in
Redis: entries just given to its consumer, leases just taken.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic, time
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from adapters.redis.connection import connect
from adapters.redis.keys import queue_key, stream_key
from adapters.redis.stream import GROUP
from tests.chaos.plan import LEASE_S
from tests.chaos.stack import SHARDS, Stack

_WITHIN_S = 1.0
_LOOK_EVERY_S = 0.001
_JUST_NOW_MS = 4
_NOBODY_TAKES_SO_LONG_S = 0.1

Leases = set[tuple[bytes, float]]


class Lookout:
    """Waits for the moment in which a worker has something in hand; not for ever."""

    def __init__(self, stack: Stack) -> None:
        """Look at the stack's server."""
        self._stack = stack
        self._client: Redis = connect(stack.server.url, timeout_s=0.5)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def pause_with_entries(self, name: str) -> None:
        """Pause a worker that was given entries and has not acknowledged them."""
        deadline = monotonic() + _WITHIN_S
        while monotonic() < deadline:
            await _until(lambda: self._has_entries(name))
            self._stack.pause(name)
            if await self._has_entries(name):
                return
            self._stack.resume(name)
        self._stack.pause(name)

    async def pause_in_refresh(self, name: str) -> None:
        """Pause a worker between the start and the end of a refresh.

        Whose lease it is Redis does not tell; one that nobody ends while this
        worker stands still is its own.
        """
        deadline = monotonic() + 2 * _WITHIN_S
        while monotonic() < deadline:
            await _until(self._somebody_refreshes)
            self._stack.pause(name)
            before = await self._leased(within_ms=2 * _JUST_NOW_MS)
            await asyncio.sleep(_NOBODY_TAKES_SO_LONG_S)
            if before & await self._leased(within_ms=LEASE_S * 1000):
                return
            self._stack.resume(name)
        self._stack.pause(name)

    async def _has_entries(self, name: str) -> bool:
        suffix = f"-{self._stack.processes[name].pid}".encode()
        with _server_may_be_away():
            for shard in range(SHARDS):
                found: Any = await self._client.xinfo_consumers(stream_key(shard), GROUP)
                if any(one["pending"] for one in found if one["name"].endswith(suffix)):
                    return True
        return False

    async def _somebody_refreshes(self) -> bool:
        return bool(await self._leased(within_ms=_JUST_NOW_MS))

    async def _leased(self, *, within_ms: float) -> Leases:
        """The leases that were taken within the last milliseconds, and run."""
        since_ms = (time() + LEASE_S) * 1000 - within_ms
        leases: Leases = set()
        with _server_may_be_away():
            for shard in range(SHARDS):
                found: Any = await self._client.zrange(
                    queue_key("inflight", shard), since_ms, "+inf", byscore=True, withscores=True
                )
                leases.update((user, score) for user, score in found)
        return leases


def _server_may_be_away() -> suppress:
    """Then nothing is seen, and the fault strikes at some other moment."""
    return suppress(RedisError, OSError)


async def _until(look: Callable[[], Awaitable[bool]]) -> None:
    deadline = monotonic() + _WITHIN_S
    while monotonic() < deadline and not await look():  # noqa: ASYNC110 - it is in Redis
        await asyncio.sleep(_LOOK_EVERY_S)
