"""The life of a worker: in which order its parts start and end."""

import asyncio
from typing import Any

from core.errors import RetryableError
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.worker import Worker


class Parts:
    """A broker, a keeper and loops that note what happens to them."""

    def __init__(self, *, away: int = 0) -> None:
        """`away`: so many preparations meet no Redis."""
        self.away = away
        self.calls: list[str] = []
        self.started = asyncio.Event()

    async def prepare(self) -> None:
        """The keeper's, before anything reads."""
        self.calls.append("prepare")
        if self.away:
            self.away -= 1
            raise RetryableError("away")

    async def start(self) -> None:
        """The broker's."""
        self.calls.append("start")
        self.started.set()

    async def stop(self) -> None:
        """The broker's."""
        self.calls.append("stop")

    async def run(self, stopping: asyncio.Event) -> None:
        """The keeper's, which ends the round that it has begun."""
        await stopping.wait()
        await asyncio.sleep(0.05)
        self.calls.append("kept")

    async def finish(self) -> None:
        """The keeper's, after the last read."""
        self.calls.append("finish")


class Loop:
    """The refresher, and the observer."""

    async def run(self, stopping: asyncio.Event) -> None:
        await stopping.wait()


def worker_of(parts: Any) -> Worker:
    loop: Any = Loop()
    heartbeats = Heartbeats(clock_s=lambda: 0.0, stalled_after_s=60)
    return Worker(parts, [parts], loop, loop, heartbeats)


async def life(parts: Parts) -> list[str]:
    """What happens between a start and an orderly end."""
    stopping = asyncio.Event()
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(worker_of(parts).run(stopping))
        await parts.started.wait()
        stopping.set()
    return parts.calls


async def test_nothing_reads_before_the_group_is_there_nor_after_the_keepers_have_ended() -> None:
    """A keeper that goes on would start the reader again that has just been stopped."""
    assert await life(Parts()) == ["prepare", "start", "kept", "stop", "finish"]


async def test_a_worker_waits_for_its_redis() -> None:
    calls = await life(Parts(away=1))
    assert calls == ["prepare", "prepare", "start", "kept", "stop", "finish"]


async def test_a_worker_that_is_stopped_before_its_redis_came_ends() -> None:
    parts, stopping = Parts(away=10**6), asyncio.Event()
    stopping.set()
    async with asyncio.timeout(20):
        await worker_of(parts).run(stopping)
    assert "start" not in parts.calls
