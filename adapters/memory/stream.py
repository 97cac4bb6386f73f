"""The raw-batch stream in the memory of one process. What it holds dies with it."""

from asyncio import Event
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from core.erasing.stored import Replaced
from core.errors import RetryableError
from core.queues import RawBatch, ShardState


class InMemoryRawBatchStream:
    """A bounded queue of request bodies between the webhook and the batch handler."""

    def __init__(self, *, max_entries: int, clock_ms: Callable[[], int]) -> None:
        """Past `max_entries` unread bodies the webhook is told to try later."""
        self._waiting: deque[RawBatch] = deque()
        self._wake = Event()
        self._max_entries = max_entries
        self._clock_ms = clock_ms
        self._count = 0

    async def enqueue(
        self, body: bytes, *, call_type: str | None, received_ms: int | None = None
    ) -> None:
        """Store a body. Raises: RetryableError where the queue is full."""
        if len(self._waiting) >= self._max_entries:
            raise RetryableError(f"the in-memory stream holds {self._max_entries} unread bodies")
        self._count += 1
        now_ms = self._clock_ms()
        self._waiting.append(
            RawBatch(
                entry_id=f"memory-{self._count}",
                body=body,
                stored_ms=now_ms,
                received_ms=now_ms if received_ms is None else received_ms,
                call_type=call_type,
            )
        )
        self._wake.set()

    async def ping(self) -> None:
        """Always ready."""

    async def read(self, *, limit: int) -> Sequence[RawBatch]:
        """Wait for a body and take up to `limit` of those that are there."""
        while not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        return [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]

    async def shards(self) -> Sequence[ShardState]:
        """What has not been read, as the one shard that there is."""
        return [
            ShardState(
                shard=0,
                lag=len(self._waiting),
                pending=0,
                oldest_ms=self._waiting[0].stored_ms if self._waiting else None,
                bytes=sum(len(batch.body) for batch in self._waiting),
            )
        ]

    async def pages(self) -> AsyncIterator[Sequence[RawBatch]]:
        """All that have not been read."""
        yield list(self._waiting)

    async def replace(self, batch: RawBatch, body: bytes | None) -> Replaced:
        """Give a batch another body, None: remove it."""
        place = next(
            (at for at, one in enumerate(self._waiting) if one.entry_id == batch.entry_id), None
        )
        if place is None:
            return "gone"
        if body is None:
            del self._waiting[place]
        else:
            self._waiting[place] = msgspec.structs.replace(batch, body=body)
        return "replaced"

    async def discard(self, batches: Sequence[RawBatch]) -> None:
        """What was read is not here any more."""
