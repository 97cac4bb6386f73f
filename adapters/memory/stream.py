"""The raw-batch stream in the memory of one process. What it holds dies with it."""

from asyncio import Queue
from collections.abc import Callable, Sequence

from core.errors import RetryableError
from core.ports import Backlog, DeadLetter, RawBatch, StoredLetter


class InMemoryRawBatchStream:
    """A bounded queue of request bodies between the webhook and the batch handler."""

    def __init__(self, *, max_entries: int, clock_ms: Callable[[], int]) -> None:
        """Past `max_entries` unread bodies the webhook is told to try later."""
        self._queue: Queue[RawBatch] = Queue()
        self._max_entries = max_entries
        self._clock_ms = clock_ms
        self._count = 0
        self._bytes = 0

    async def enqueue(self, body: bytes, *, call_type: str | None) -> None:
        """Store a body. Raises: RetryableError where the queue is full."""
        if self._queue.qsize() >= self._max_entries:
            raise RetryableError(f"the in-memory stream holds {self._max_entries} unread bodies")
        self._count += 1
        self._bytes += len(body)
        self._queue.put_nowait(
            RawBatch(
                entry_id=f"memory-{self._count}",
                body=body,
                received_ms=self._clock_ms(),
                call_type=call_type,
            )
        )

    async def ping(self) -> None:
        """Always ready."""

    async def read(self, *, limit: int) -> Sequence[RawBatch]:
        """Wait for a body and take up to `limit` of those that are there."""
        batches = [await self._queue.get()]
        while len(batches) < limit and not self._queue.empty():
            batches.append(self._queue.get_nowait())
        self._bytes -= sum(len(batch.body) for batch in batches)
        return batches

    async def backlog(self) -> Backlog:
        """What has not been read."""
        return Backlog(entries=self._queue.qsize(), bytes=self._bytes)


class InMemoryDeadLetters:
    """The latest rejected events."""

    def __init__(self, *, max_letters: int) -> None:
        """Keep at most `max_letters`, the newest."""
        self._max_letters = max_letters
        self._count = 0
        self._stored: dict[str, DeadLetter] = {}

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store them, the oldest giving way past the bound."""
        for letter in letters:
            self._count += 1
            self._stored[str(self._count)] = letter
        for letter_id in list(self._stored)[: -self._max_letters]:
            del self._stored[letter_id]

    async def latest(self, *, limit: int) -> Sequence[StoredLetter]:
        """The newest ones, newest first."""
        return await self.find(list(reversed(self._stored))[:limit])

    async def find(self, letter_ids: Sequence[str]) -> Sequence[StoredLetter]:
        """Those of the ids that are there, in the order asked."""
        return [
            StoredLetter(letter_id=letter_id, letter=self._stored[letter_id])
            for letter_id in letter_ids
            if letter_id in self._stored
        ]

    async def drop(self, letter_ids: Sequence[str]) -> int:
        """Remove them; how many were there."""
        return sum(self._stored.pop(letter_id, None) is not None for letter_id in letter_ids)
