"""The queues between webhook, workers and operators: roles that adapters fill, as in `ports`.

Every method may raise RetryableError when its dependency is away.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

import msgspec


class RawBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A request body as it came in, and what its JSON does not say.

    Units: Unix milliseconds. `stored_ms` is when this entry was stored;
        `received_ms` is earlier where the body was sent again.
    """

    entry_id: str
    shard: int = 0
    body: bytes
    stored_ms: int
    received_ms: int
    call_type: str | None = None


class StaleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that was delivered so often, and not finished since the last time."""

    entry_id: str
    deliveries: int


class ShardState(msgspec.Struct, frozen=True, kw_only=True):
    """What one shard of the stream holds.

    Units: `oldest_ms` the Unix milliseconds at which the oldest unprocessed
        entry was stored, None where there is none; `bytes` an estimate of the
        memory that the unprocessed ones take.
    """

    shard: int
    lag: int
    """Entries that no worker has read."""
    pending: int
    """Entries that a worker has read and not finished."""
    oldest_ms: int | None = None
    bytes: int = 0
    consumers: int = 0


class RawBatchStream(Protocol):
    """The durable queue between the webhook and the workers."""

    async def enqueue(
        self, body: bytes, *, call_type: str | None, received_ms: int | None = None
    ) -> None:
        """Return once the body is stored durably.

        `received_ms` is when a body that is sent again was first received; by
        that, not by now, a wrong clock of its sender is put right.
        """
        ...

    async def ping(self) -> None:
        """Raise RetryableError unless the queue is there."""
        ...

    async def shards(self) -> Sequence[ShardState]:
        """What waits to be processed, shard by shard."""
        ...


class Debounce(msgspec.Struct, frozen=True, kw_only=True):
    """The times of the debounce, and how many users may wait. Units: milliseconds."""

    debounce_ms: int = 250
    max_wait_ms: int = 2_000
    lease_ms: int = 30_000
    max_pending: int = 1_000_000


class DueUser(msgspec.Struct, frozen=True):
    """A user to refresh, and the token that proves the right to complete it.

    Units: `accepted_ms` Unix milliseconds, when the oldest event that no model
        has yet was accepted; None where there is no such event.
    """

    user_id: str
    token: int
    accepted_ms: int | None = None
    shard: int = 0
    """Where the lease lies: not where the user belongs, if the number of shards was raised."""


class QueueDepth(msgspec.Struct, frozen=True, kw_only=True):
    """How many users wait for a refresh, are being refreshed, or are booked for later."""

    pending: int
    leased: int
    booked: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What the queue holds of a user. Units: `due_ms` Unix milliseconds, None: is not due."""

    due_ms: int | None = None
    is_leased: bool = False


class Forgotten(msgspec.Struct, frozen=True):
    """How many users waited for a refresh, and how many are being refreshed still."""

    removed: int
    in_hand: int


class DueQueue(Protocol):
    """Who is to be refreshed when, debounced a user, shared by all workers."""

    async def mark(self, accepted: Mapping[str, int | None], *, now_ms: int) -> None:
        """Something changed: refresh at once after a quiet time, else gathered.

        `accepted` gives for each user when their oldest new event was accepted,
        None where there is none and the model is to be rebuilt all the same.

        Raises: RetryableError, and marks nobody, while as many wait as may.
        """
        ...

    async def pop(self, *, limit: int, now_ms: int) -> Sequence[DueUser]:
        """Lease up to `limit` due users, the longest waiting first."""
        ...

    async def complete(self, done: Sequence[DueUser], *, again_ms: int | None) -> None:
        """End the leases still held; book the next refresh at `again_ms`."""
        ...

    async def depth(self) -> QueueDepth:
        """How many users are in the queue."""
        ...

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Waiting]:
        """What it holds of each of the users."""
        ...

    async def forget(self, user_ids: Sequence[str]) -> Forgotten:
        """Remove all that it holds of the users but their leases.

        A lease is left to its holder, or to who takes over from one that died,
        and when it ends the user is due once more: so somebody looks again
        after whatever the holder has written.
        """
        ...


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that can never be used, with the reason, its times and its original bytes.

    Entry ids are a shard's own, and `part` tells the letters of one entry apart:
    an entry that is handled twice leaves each of its letters once.

    Units: `received_ms` Unix milliseconds.
    """

    reason: str
    entry_id: str
    shard: int = 0
    part: int = 0
    message_id: str | None
    body: bytes
    call_type: str | None = None
    received_ms: int
    deliveries: int = 1
    """How often the entry had been handed to a worker."""


class StoredLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter where it lies, under an id of its own.

    Units: `given_up_ms` Unix milliseconds, when it was put there.
    """

    letter_id: str
    letter: DeadLetter
    given_up_ms: int


class DeadLetters(Protocol):
    """Where rejected events lie until someone has looked at them."""

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store those that are not there yet, the oldest giving way past the bounds."""
        ...

    async def count(self) -> int:
        """How many lie there."""
        ...

    async def latest(self, *, limit: int) -> Sequence[StoredLetter]:
        """The newest ones, newest first."""
        ...

    async def find(self, letter_ids: Sequence[str]) -> Sequence[StoredLetter]:
        """Those of the ids that are there, in the order asked."""
        ...

    async def drop(self, letter_ids: Sequence[str]) -> int:
        """Remove them; how many were there."""
        ...

    def pages(self) -> AsyncIterator[Sequence[StoredLetter]]:
        """All that lie there now, oldest first."""
        ...

    async def replace(self, letter_id: str, body: bytes | None) -> bool:
        """Give a letter another body, None: remove it; whether it was there.

        It may have another id then, and has the same times.
        """
        ...
