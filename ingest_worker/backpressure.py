"""Turns senders away while too much is stored and not yet processed.

RudderStack sends again what was answered with 503, for about three hours: what
cannot be kept here waits there. Nothing unprocessed is ever trimmed instead.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic

import msgspec
import structlog

from core.errors import RetryableError
from core.log_names import BACKLOG_UNKNOWN
from core.queues import RawBatchStream, ShardState
from ingest_worker.metrics import StreamGauges
from ingest_worker.pacing import pause

_log = structlog.get_logger()


class HighWater(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be unprocessed, and how often that is looked at."""

    max_entries: int
    max_bytes: int
    every_ms: int
    hangs_after_ms: int = 1_000
    """How long a look may take before nobody is admitted to wait with it."""


class Backpressure:
    """Looks at the backlog beside the requests, so that asking costs them nothing.

    Between two looks every webhook may accept what comes; the marks must leave
    room for that.
    """

    def __init__(
        self,
        stream: RawBatchStream,
        marks: HighWater,
        gauges: StreamGauges,
        clock_ms: Callable[[], int],
    ) -> None:
        """Admits everything until the first look; shows what it sees in `gauges`."""
        self._stream = stream
        self._marks = marks
        self._gauges = gauges
        self._clock_ms = clock_ms
        self._away: str | None = None
        self._asked_s: float | None = None
        self._entries = 0
        self._bytes = 0

    def admit(self) -> None:
        """Raise RetryableError while the backlog is over a mark, or the stream does not answer.

        Whoever waited for a stream that hangs would hold a body in memory all the while.
        """
        if self._away is not None:
            raise RetryableError(self._away)
        asked_s = monotonic() if self._asked_s is None else self._asked_s
        if monotonic() - asked_s > self._marks.hangs_after_ms / 1000:
            raise RetryableError("the stream does not answer")
        if self._entries > self._marks.max_entries or self._bytes > self._marks.max_bytes:
            raise RetryableError(
                f"{self._entries} requests of {self._bytes} bytes wait to be processed"
            )

    @property
    def is_away(self) -> bool:
        """Whether the latest look was in vain."""
        return self._away is not None

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop."""
        while not stopping.is_set():
            await self.look()
            await pause(stopping, self._marks.every_ms / 1000)

    async def look(self) -> None:
        """Look once."""
        self._asked_s = monotonic()
        try:
            self._take(await self._stream.shards())
        except RetryableError as exc:
            self._away = str(exc)
            _log.warning(BACKLOG_UNKNOWN, error=str(exc))
        except Exception as exc:
            # Not the webhook's end: a body may be stored where its backlog cannot be read.
            _log.exception(BACKLOG_UNKNOWN, error=str(exc))
        else:
            self._away = None
        finally:
            self._asked_s = None

    def _take(self, shards: Sequence[ShardState]) -> None:
        self._entries = sum(one.lag + one.pending for one in shards)
        self._bytes = sum(one.bytes for one in shards)
        self._gauges.show(shards, now_ms=self._clock_ms())
