"""`Worker`: the life of one worker process, from its first read to its orderly end."""

import asyncio
from collections.abc import Sequence

import structlog
from faststream.redis import RedisBroker

from core.errors import RetryableError
from core.log_names import KEEPING_FAILED, WORKER_WAITED
from ingest_worker.consumer import start_broker
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.keeper import StreamKeeper
from ingest_worker.observer import Observer
from ingest_worker.pacing import pause
from ingest_worker.refresher import Refresher

_START_AGAIN_S = 1.0
_FINISH_WITHIN_S = 5.0

_log = structlog.get_logger()


class Worker:
    """The consumers of a broker, a keeper a shard, the refresher and an observer."""

    def __init__(
        self,
        broker: RedisBroker,
        keepers: Sequence[StreamKeeper],
        refresher: Refresher,
        observer: Observer,
        heartbeats: Heartbeats,
    ) -> None:
        """Nothing runs yet."""
        self._broker = broker
        self._keepers = keepers
        self._refresher = refresher
        self._observer = observer
        self._heartbeats = heartbeats

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; what has been begun is finished."""
        await self._start(stopping)
        async with asyncio.TaskGroup() as tasks:
            keeping = [tasks.create_task(keeper.run(stopping)) for keeper in self._keepers]
            tasks.create_task(self._refresher.run(stopping))
            tasks.create_task(self._observer.run(stopping))
            try:
                await stopping.wait()
            finally:
                await self._stop(keeping)

    async def _stop(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        """Stop reading, and finish what Redis had handed out by then.

        The keepers end first: one that goes on would revive what is stopped.
        What is not finished in time is taken over by another worker later.
        """
        if keeping:
            await asyncio.wait(keeping, timeout=_FINISH_WITHIN_S)
        await self._broker.stop()
        try:
            async with asyncio.timeout(_FINISH_WITHIN_S):
                for keeper in self._keepers:
                    await keeper.finish()
        except (RetryableError, TimeoutError) as exc:
            _log.warning(KEEPING_FAILED, error=str(exc) or "time-out")

    async def _start(self, stopping: asyncio.Event) -> None:
        """Start reading as soon as Redis is there: a pod may be up before it.

        Each group is created first, by us and at the beginning of its stream:
        FastStream would create it at the end, behind what is already stored.
        """
        while not stopping.is_set():
            self._heartbeats.beat_all()
            try:
                for keeper in self._keepers:
                    await keeper.prepare()
                await start_broker(self._broker)
            except RetryableError as exc:
                _log.warning(WORKER_WAITED, error=str(exc))
                await pause(stopping, _START_AGAIN_S)
            else:
                return
