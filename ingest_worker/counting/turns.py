"""`CountingTurns`: counts views in this process while it has a lease, where nothing is published.

A publisher counts beside its publishing, under the lease that it has anyway.
"""

import asyncio
from contextlib import suppress

from core.errors import RetryableError
from core.shelf import Lease
from ingest_worker.counting.popularity import PopularityCounting

LEASE_MS = 10_000
_RENEW_EVERY_S = 2.0


class Turn:
    """Whether it is this process's turn."""

    is_ours = False


class CountingTurns:
    """Takes the lease when it is free, and counts as long as it has it."""

    def __init__(
        self,
        counting: PopularityCounting,
        lease: Lease,
        turn: Turn,
        *,
        holder: str,
        renew_every_s: float = _RENEW_EVERY_S,
    ) -> None:
        """`counting` goes by `turn`, which is kept here."""
        self._counting = counting
        self._lease = lease
        self._turn = turn
        self._holder = holder
        self._renew_every_s = renew_every_s

    async def run(self, stopping: asyncio.Event) -> None:
        """Count until told to stop. A count that has begun is dropped then: the next is whole."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._renew()), tasks.create_task(self._counting.run())]
            await stopping.wait()
            for task in running:
                task.cancel()
        with suppress(RetryableError):
            await self._lease.release(self._holder)

    async def _renew(self) -> None:
        """Take the lease, and keep it; Redis away leaves it as it is."""
        while True:
            with suppress(RetryableError):
                self._turn.is_ours = await self._lease.hold(self._holder)
            await asyncio.sleep(self._renew_every_s)
