"""Turns senders away while too much is stored and not yet processed.

RudderStack sends again what was answered with 503, for about three hours: what
cannot be kept here waits there. Nothing unprocessed is ever trimmed instead.
"""

import asyncio

import msgspec
import structlog

from core.errors import RetryableError
from core.log_names import BACKLOG_UNKNOWN
from core.ports import Backlog, RawBatchStream
from ingest_worker.pacing import pause

_log = structlog.get_logger()


class HighWater(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be unprocessed, and how often that is looked at."""

    max_entries: int
    max_bytes: int
    every_ms: int


class Backpressure:
    """Looks at the backlog beside the requests, so that asking costs them nothing.

    Between two looks every webhook may accept what comes; the marks must leave
    room for that.
    """

    def __init__(self, stream: RawBatchStream, marks: HighWater) -> None:
        """Admits everything until the first look."""
        self._stream = stream
        self._marks = marks
        self._backlog = Backlog(entries=0, bytes=0)

    def admit(self) -> None:
        """Raise RetryableError while the backlog is over a mark."""
        found, marks = self._backlog, self._marks
        if found.entries > marks.max_entries or found.bytes > marks.max_bytes:
            raise RetryableError(
                f"{found.entries} requests of {found.bytes} bytes wait to be processed"
            )

    async def run(self, stopping: asyncio.Event) -> None:
        """Look until told to stop. A backlog that cannot be seen stays as it was."""
        while not stopping.is_set():
            await self.look()
            await pause(stopping, self._marks.every_ms / 1000)

    async def look(self) -> None:
        """Look once."""
        try:
            self._backlog = await self._stream.backlog()
        except RetryableError as exc:
            _log.warning(BACKLOG_UNKNOWN, error=str(exc))
