"""`Observer`: shows in the metrics what the queues hold."""

import asyncio
from collections.abc import Callable

import structlog

from core.errors import RetryableError
from core.log_names import OBSERVING_FAILED
from core.queues import DeadLetters, DueQueue, RawBatchStream
from ingest_worker.metrics import WorkerMetrics
from ingest_worker.pacing import pause

_log = structlog.get_logger()


class Observer:
    """Looks at the queues beside the work, so that a scrape costs Redis nothing."""

    def __init__(
        self,
        *,
        stream: RawBatchStream,
        queue: DueQueue,
        dead_letters: DeadLetters,
        metrics: WorkerMetrics,
        clock_ms: Callable[[], int],
        every_ms: int,
    ) -> None:
        """Keep what is looked at."""
        self._stream = stream
        self._queue = queue
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock_ms = clock_ms
        self._every_s = every_ms / 1000

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stopping.is_set():
            try:
                await self.look()
            except RetryableError as exc:
                _log.warning(OBSERVING_FAILED, error=str(exc))
            except Exception:
                # Numbers that cannot be had are no reason to stop the work.
                _log.exception(OBSERVING_FAILED)
            await pause(stopping, self._every_s)

    async def look(self) -> None:
        """Look once."""
        self._metrics.stream.show(await self._stream.shards(), now_ms=self._clock_ms())
        self._metrics.show(await self._queue.depth(), await self._dead_letters.count())
