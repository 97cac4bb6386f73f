"""Keeps a stream shard in order: the group exists, nothing stays pending, nothing piles up.

A worker that was killed leaves entries that it had read; they are taken over
here and applied again, which changes nothing where they had been applied.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from core.errors import RetryableError
from core.log_names import BATCH_FAILED, ENTRIES_CLAIMED, KEEPING_FAILED
from core.ports import RawBatch
from ingest_worker.pacing import pause

_CLAIM_AT_ONCE = 500

_log = structlog.get_logger()


class PendingBatches(Protocol):
    """The delivered and unacknowledged entries of one shard."""

    async def ensure_group(self) -> None:
        """Create the consumer group where it is not there."""
        ...

    async def claim(self, *, idle_ms: int, limit: int) -> Sequence[RawBatch]:
        """Take over entries unfinished for `idle_ms`."""
        ...

    async def acknowledge(self, batches: Sequence[RawBatch]) -> None:
        """Mark entries as done."""
        ...

    async def trim(self) -> None:
        """Drop what every consumer is done with."""
        ...


class StreamKeeper:
    """Runs beside the consumer of one shard."""

    def __init__(
        self,
        pending: PendingBatches,
        handle: Callable[[Sequence[RawBatch]], Awaitable[None]],
        *,
        revive: Callable[[], Awaitable[None]],
        stale_ms: int,
        every_ms: int,
    ) -> None:
        """`stale_ms`: how long an entry may stay unfinished before it is taken over.

        `revive` starts the shard's consumer again where it has stopped.
        """
        self._revive = revive
        self._pending = pending
        self._handle = handle
        self._stale_ms = stale_ms
        self._every_s = every_ms / 1000

    async def prepare(self) -> None:
        """Create the group before anything reads: entries stored before count too."""
        await self._pending.ensure_group()

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the shard until told to stop."""
        while not stopping.is_set():
            try:
                await self.keep()
            except RetryableError as exc:
                _log.warning(KEEPING_FAILED, error=str(exc))
            except Exception:
                # Whatever it is: a keeper that is gone would be missed only much later.
                _log.exception(KEEPING_FAILED)
            await pause(stopping, self._every_s)

    async def keep(self) -> None:
        """One round."""
        await self._pending.ensure_group()
        await self._revive()
        while claimed := await self._pending.claim(idle_ms=self._stale_ms, limit=_CLAIM_AT_ONCE):
            await self._apply(claimed)
            _log.info(ENTRIES_CLAIMED, entries=len(claimed))
        await self._pending.trim()

    async def _apply(self, claimed: Sequence[RawBatch]) -> None:
        try:
            await self._handle(claimed)
        except RetryableError:
            raise
        except Exception:
            if len(claimed) == 1:
                # A bug, and only with this entry: it stays pending and stops no other.
                _log.exception(BATCH_FAILED, entry_id=claimed[0].entry_id)
                return
            for one in claimed:
                await self._apply([one])
            return
        await self._pending.acknowledge(claimed)
