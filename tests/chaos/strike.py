"""When a fault strikes: in the middle of the work, which a random moment mostly misses.

A worker under this load rests most of the time. What it has in hand is seen in
Redis: entries just given to its consumer, leases just taken.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic, time
from typing import Any

from redis.exceptions import RedisError

from adapters.redis.connection import Client, connect
from adapters.redis.keys import GROUP, queue_key, stream_key
from tests.chaos.plan import LEASE_S, WORKERS
from tests.chaos.stack import SHARDS, Stack

_WITHIN_S = 1.0
_LOOK_EVERY_S = 0.001
_JUST_NOW_MS = 4
_MANY = 5
_LATELY_MS = 400
_ALL_READ_WITHIN_S = 15.0
_ON_ITS_WAY_S = 0.02
"""Until the server has read what a paused worker had sent, an acknowledgement perhaps."""
_NOBODY_TAKES_SO_LONG_S = 0.08


class Lookout:
    """Waits for the moment in which a worker has something in hand; not for ever."""

    def __init__(self, stack: Stack) -> None:
        """Look at the stack's server."""
        self._stack = stack
        self._client: Client = connect(stack.server.url, timeout_s=0.5)
        self.struck: Counter[str] = Counter()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def until_all_read(self) -> None:
        """Return once every worker reads every shard: started, and over a lost connection."""
        await _until(self._all_read, within_s=_ALL_READ_WITHIN_S)

    async def pause_with_entries(self, name: str) -> None:
        """Pause a worker that was given entries and has not acknowledged them.

        One that is never seen with any is paused right after it was given some.
        """
        deadline = monotonic() + _WITHIN_S
        while monotonic() < deadline:
            await _until(lambda: self._has_entries(name))
            self._stack.pause(name)
            await asyncio.sleep(_ON_ITS_WAY_S)
            if await self._has_entries(name):
                self.struck["killed with entries in hand"] += 1
                return
            self._stack.resume(name)
        await _until(lambda: self._was_just_given_some(name))
        self._stack.pause(name)

    async def pause_in_refresh(self, name: str) -> bool:
        """Pause a worker that has read many users' events and not yet saved their models.

        Whose leases they are Redis does not tell, nor whose connection; those on
        which nothing happens while this worker stands still are its own. Says
        whether there were any; if not, the worker goes on.
        """
        resting = await self._readers()
        await _until(self._many_are_refreshed)
        self._stack.pause(name)
        await asyncio.sleep(_ON_ITS_WAY_S)
        leases, readers = await self._leases(), await self._readers()
        await asyncio.sleep(_NOBODY_TAKES_SO_LONG_S)
        held = leases & await self._leases()
        if len(held) >= _MANY and (readers & await self._readers()) - resting:
            self.struck["paused in a refresh"] += 1
            return True
        self._stack.resume(name)
        return False

    async def _all_read(self) -> bool:
        reading = [await self._consumers(name) for name in WORKERS]
        return all(
            sum(one["idle"] < _LATELY_MS for one in consumers) == SHARDS for consumers in reading
        )

    async def _has_entries(self, name: str) -> bool:
        return any(one["pending"] for one in await self._consumers(name))

    async def _was_just_given_some(self, name: str) -> bool:
        return any(0 <= one["inactive"] < _JUST_NOW_MS for one in await self._consumers(name))

    async def _consumers(self, name: str) -> list[Any]:
        """What a worker is to the groups, a shard each."""
        suffix = f"-{self._stack.processes[name].pid}".encode()
        found: list[Any] = []
        with _server_may_be_away():
            for shard in range(SHARDS):
                found += await self._client.xinfo_consumers(stream_key(shard), GROUP)
        return [one for one in found if one["name"].endswith(suffix)]

    async def _many_are_refreshed(self) -> bool:
        just_now = (time() + LEASE_S) * 1000 - _JUST_NOW_MS
        return sum(end_ms > just_now for _, end_ms in await self._leases()) >= _MANY

    async def _leases(self) -> set[tuple[bytes, float]]:
        """Who is being refreshed, and when the lease ends."""
        leases: set[tuple[bytes, float]] = set()
        with _server_may_be_away():
            for shard in range(SHARDS):
                key = queue_key("inflight", shard)
                found: Any = await self._client.zrange(key, 0, -1, withscores=True)
                leases.update(found)
        return leases

    async def _readers(self) -> set[tuple[str, str]]:
        """The connections whose last command has read events, and how many they have had."""
        readers: set[tuple[str, str]] = set()
        with _server_may_be_away():
            found: Any = await self._client.client_list()
            readers.update((one["id"], one["tot-cmds"]) for one in found if one["cmd"] == "zrange")
        return readers


def _server_may_be_away() -> suppress:
    """Then nothing is seen, and the fault strikes at some other moment."""
    return suppress(RedisError, OSError)


async def _until(look: Callable[[], Awaitable[bool]], *, within_s: float = _WITHIN_S) -> None:
    deadline = monotonic() + within_s
    while monotonic() < deadline and not await look():  # noqa: ASYNC110 - it is in Redis
        await asyncio.sleep(_LOOK_EVERY_S)
