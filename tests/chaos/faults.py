"""Carries out the plan: kills, stops, pauses and flushes, and brings everything back."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from redis.exceptions import RedisError

from adapters.redis.connection import Client, connect
from adapters.redis.keys import GROUP, stream_key
from tests.chaos.audience import Audience
from tests.chaos.plan import Fault, Plan
from tests.chaos.stack import Stack
from tests.chaos.strike import Lookout

_FLUSH_AGAIN_S = 0.005
_MUCH_TO_READ, _UNTIL_READ_S = 6, 0.03
_ROUNDS_TO_REFRESH, _UNTIL_APPLIED_S = 2, 0.1
"""What a held worker still has in hand marks its users once more, and mends what it missed."""
_TRIES = 8


class Faults:
    """Faults may overlap, but never hit one victim twice at a time.

    Nor two workers by two faults: what a worker misses while it is held is that
    the other gets ahead of it.
    """

    def __init__(
        self,
        stack: Stack,
        audience: Audience,
        *,
        flood: Callable[[int], None],
        say: Callable[[str], None],
    ) -> None:
        """`flood` sends so many large requests; `say` is told of every fault as it begins."""
        self._stack = stack
        self._audience = audience
        self._flood = flood
        self._say = say
        self._lookout = Lookout(stack)
        self._busy: dict[str, asyncio.Lock] = {}
        self._inject: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "worker_killed": self._kill,
            "webhook_killed": self._kill,
            "server_killed": self._restart_server,
            "server_stopped": self._restart_server,
            "group_destroyed": self._destroy_groups,
            "groups_destroyed": self._destroy_groups,
            "worker_stalled": self._pause,
            "worker_frozen": self._pause,
            "worker_gone": self._retire,
        }
        self.done: Counter[str] = Counter()

    async def run(self, plan: Plan) -> None:
        """Carry out the plan; afterwards everything runs again but the worker that is gone."""
        started_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as tasks:
                for fault in plan.storm:
                    tasks.create_task(self._at(started_s + fault.at_s, fault))
            await self._lookout.until_all_read()
            for fault in plan.finale:
                await self._at(started_s + fault.at_s, fault)
        finally:
            self.done.update(self._lookout.struck)
            await self._lookout.aclose()

    async def _at(self, time_s: float, fault: Fault) -> None:
        await asyncio.sleep(time_s - asyncio.get_running_loop().time())
        async with AsyncExitStack() as held:
            of_worker = fault.kind.startswith("worker")
            # In one order, or two faults wait for each other.
            for busy in ("workers",) if of_worker else sorted(fault.victims):
                await held.enter_async_context(self._busy.setdefault(busy, asyncio.Lock()))
            self._say(str(fault))
            await self._inject[fault.kind](fault)
            self.done[fault.kind] += 1

    async def _kill(self, fault: Fault) -> None:
        if fault.kind == "worker_killed":
            await self._pause_with_entries(fault.victims[0])
        for name in fault.victims:
            self._stack.kill(name)
        await self._while_others_come(fault)
        for name in fault.victims:
            self._stack.start(name)

    async def _retire(self, fault: Fault) -> None:
        [name] = fault.victims
        await self._pause_with_entries(name)
        await self._while_others_come(fault)
        self._stack.retire(name)

    async def _pause(self, fault: Fault) -> None:
        [name] = fault.victims
        for _ in range(_TRIES):
            self._flood(_ROUNDS_TO_REFRESH)
            await asyncio.sleep(_UNTIL_APPLIED_S)
            if await self._lookout.pause_in_refresh(name):
                break
        else:
            self._stack.pause(name)
        await self._while_others_come(fault)
        self._stack.resume(name)

    async def _pause_with_entries(self, name: str) -> None:
        self._flood(_MUCH_TO_READ)
        await asyncio.sleep(_UNTIL_READ_S)
        await self._lookout.pause_with_entries(name)

    async def _restart_server(self, fault: Fault) -> None:
        server = self._stack.server
        end = server.kill if fault.kind == "server_killed" else server.stop
        await asyncio.to_thread(end)
        await self._while_others_come(fault)
        await asyncio.to_thread(server.start)

    async def _destroy_groups(self, fault: Fault) -> None:
        """Once and, for as long as the fault lasts, as often as somebody makes them anew."""
        loop = asyncio.get_running_loop()
        client: Client = connect(self._stack.server.url, timeout_s=0.5)
        until_s = loop.time() + fault.lasts_s
        missing = set(fault.victims)
        while missing or loop.time() < until_s:
            for shard in fault.victims:
                with suppress(RedisError, OSError):  # the server may be away, too
                    await client.xgroup_destroy(stream_key(int(shard)), GROUP)
                    missing.discard(shard)
            await asyncio.sleep(_FLUSH_AGAIN_S)
        await client.aclose()
        self._audience.change()

    async def _while_others_come(self, fault: Fault) -> None:
        await asyncio.sleep(fault.lasts_s / 2)
        self._audience.change()
        await asyncio.sleep(fault.lasts_s / 2)
