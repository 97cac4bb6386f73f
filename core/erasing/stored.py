"""`StoredBatches`: the raw batches where they lie, a role that adapters fill.

Apart from `RawBatchStream`, which only lets them in.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol

from core.queues import RawBatch

Replaced = Literal["replaced", "gone", "in_hand"]
"""`gone`: nothing was there. `in_hand`: a worker has it, and it goes when that has finished."""


class StoredBatches(Protocol):
    """Every method may raise RetryableError when its dependency is away."""

    def pages(self) -> AsyncIterator[Sequence[RawBatch]]:
        """All that are stored now, finished ones too, oldest first."""
        ...

    async def replace(self, batch: RawBatch, body: bytes | None) -> Replaced:
        """In one step, give a batch another body, None: remove it.

        A batch that every worker is done with is only removed. One in a
        worker's hand is left as it is until it is finished: if that worker
        dies, another has to meet in it what the first one may have written.
        """
        ...

    async def discard(self, batches: Sequence[RawBatch]) -> None:
        """Remove batches that are in the caller's hand and done with, but for acknowledging."""
        ...
