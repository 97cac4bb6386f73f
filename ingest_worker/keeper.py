"""Keeps a stream shard in order: the group exists, nothing stays pending, nothing piles up.

A worker that was killed leaves entries that it had read; they are taken over
here and applied again, which changes nothing where they had been applied. An
entry that no worker ever finishes becomes a dead letter.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from core.errors import RetryableError
from core.log_names import BATCH_FAILED, ENTRIES_CLAIMED, ENTRIES_GIVEN_UP, KEEPING_FAILED
from core.normalizing.masking import masked_json
from core.queues import DeadLetter, DeadLetters, RawBatch, StaleEntry
from ingest_worker.metrics import WorkerMetrics
from ingest_worker.pacing import pause

_WHOLE_ENTRY = -1
"""The part of a letter that is an entry and not an event of it."""
EXHAUSTED = "exhausted"
"""The reason of an entry that was delivered up to the cap and never finished."""

_log = structlog.get_logger()


class PendingBatches(Protocol):
    """The delivered and unacknowledged entries of one shard."""

    async def ensure_group(self) -> None:
        """Create the consumer group where it is not there."""
        ...

    async def stale(self, *, idle_ms: int, limit: int) -> Sequence[StaleEntry]:
        """Entries unfinished for `idle_ms`, oldest first."""
        ...

    async def take(self, entry_ids: Sequence[str], *, idle_ms: int) -> Sequence[RawBatch]:
        """Take over those of the entries that are still stale."""
        ...

    async def forgive(self, entries: Sequence[StaleEntry]) -> None:
        """Give the entries back their earlier count of deliveries."""
        ...

    async def own(self, *, limit: int, after: str = "0") -> Sequence[RawBatch]:
        """What was delivered to this very consumer and not finished, past an entry's id."""
        ...

    async def remove_gone(self, *, idle_ms: int) -> int:
        """Forget consumers that left nothing and have not read for `idle_ms`."""
        ...

    async def acknowledge(self, batches: Sequence[RawBatch]) -> None:
        """Mark entries as done."""
        ...

    async def trim(self) -> None:
        """Drop what every consumer is done with."""
        ...


class KeeperPace(msgspec.Struct, frozen=True, kw_only=True):
    """When entries are stale, exhausted, and consumers gone. Units: milliseconds."""

    every_ms: int
    stale_ms: int
    gone_ms: int
    max_deliveries: int
    claim_entries: int = 500
    """Entries taken over at once."""


class StreamKeeper:
    """Runs beside the consumer of one shard."""

    def __init__(
        self,
        pending: PendingBatches,
        handle: Callable[[Sequence[RawBatch]], Awaitable[None]],
        *,
        revive: Callable[[], Awaitable[None]],
        dead_letters: DeadLetters,
        pace: KeeperPace,
        metrics: WorkerMetrics,
        beat: Callable[[], None],
    ) -> None:
        """`revive` starts the shard's consumer again where it has stopped.

        `beat` is called as long as the keeper runs.
        """
        self._pending = pending
        self._handle = handle
        self._revive = revive
        self._dead_letters = dead_letters
        self._pace = pace
        self._metrics = metrics
        self._beat = beat

    async def prepare(self) -> None:
        """Create the group before anything reads: entries stored before count too.

        What is finished goes first of all: a full server refuses every start
        of a reader and every entry that is handled, and this makes room.
        """
        await self._pending.ensure_group()
        await self._pending.trim()

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the shard until told to stop."""
        while not stopping.is_set():
            self._beat()
            try:
                await self.keep(stopping)
            except RetryableError as exc:
                _log.warning(KEEPING_FAILED, error=str(exc))
            except Exception:
                # Whatever it is: a keeper that is gone would be missed only much later.
                _log.exception(KEEPING_FAILED)
            await pause(stopping, self._pace.every_ms / 1000)

    async def keep(self, stopping: asyncio.Event) -> None:
        """One round, cut short between two claims when told to stop."""
        await self.prepare()
        await self._revive()
        while not stopping.is_set() and (stale := await self._stale()):
            self._beat()
            await self._take_over(stale)
        await self._pending.remove_gone(idle_ms=self._pace.gone_ms)

    async def finish(self) -> None:
        """Apply what was delivered to this worker while it stopped reading."""
        after = "0"
        while own := await self._pending.own(limit=self._pace.claim_entries, after=after):
            await self._apply(own)
            after = own[-1].entry_id

    async def _take_over(self, stale: Sequence[StaleEntry]) -> None:
        """Entries delivered once are taken over together, others one by one.

        Whatever ends a worker again and again is delivered again and again, and
        so is what it takes along. Alone in hand, only the entry that does it
        comes to the cap.
        """
        once = [one for one in stale if one.deliveries <= 1]
        if once:
            await self._try(once)
        for one in stale:
            if one.deliveries > 1:
                await self._try([one])
        self._metrics.claimed_entries.inc(len(stale))
        _log.info(ENTRIES_CLAIMED, entries=len(stale))

    async def _stale(self) -> Sequence[StaleEntry]:
        pace = self._pace
        return await self._pending.stale(idle_ms=pace.stale_ms, limit=pace.claim_entries)

    async def _try(self, entries: Sequence[StaleEntry]) -> None:
        taken = await self._pending.take(
            [one.entry_id for one in entries], idle_ms=self._pace.stale_ms
        )
        if not taken:
            return
        try:
            if entries[0].deliveries >= self._pace.max_deliveries:
                for one in taken:
                    await self._give_up(one, entries[0].deliveries)
            else:
                await self._apply(taken)
        except RetryableError:
            # A dependency was away: however often that is, the entry is not to blame.
            ours = {one.entry_id for one in taken}
            await self._pending.forgive([one for one in entries if one.entry_id in ours])
            raise

    async def _give_up(self, exhausted: RawBatch, deliveries: int) -> None:
        """An entry that no worker finishes goes out of the way, whole, as a dead letter."""
        letter = DeadLetter(
            reason=EXHAUSTED,
            entry_id=exhausted.entry_id,
            shard=exhausted.shard,
            part=_WHOLE_ENTRY,
            message_id=None,
            body=masked_json(exhausted.body),
            call_type=exhausted.call_type,
            received_ms=exhausted.received_ms,
            deliveries=deliveries,
        )
        await self._dead_letters.add([letter])
        await self._pending.acknowledge([exhausted])
        self._metrics.given_up_entries.inc()
        _log.error(ENTRIES_GIVEN_UP, entry_id=exhausted.entry_id, deliveries=deliveries)

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
