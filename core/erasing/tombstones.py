"""`Tombstones`: whose events are not to come back, a role that adapters fill.

An id is kept as a keyed hash, never as itself, and for a term.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

ALWAYS = 2**53
"""Later than any event: of an erased person nothing is kept, whenever it happened."""


class Tombstones(Protocol):
    """Every method may raise RetryableError when its dependency is away."""

    async def erase(self, user_ids: Sequence[str], *, until_ms: int) -> None:
        """Refuse all events of the ids until that moment. Units: Unix milliseconds."""
        ...

    async def withdraw(self, user_ids: Sequence[str], *, before_ms: int) -> None:
        """Refuse events of the ids that happened up to that moment. Units: Unix milliseconds."""
        ...

    async def among(self, user_ids: Sequence[str], *, now_ms: int) -> Mapping[str, int]:
        """Of those of the ids that have one: up to when their events are refused.

        `ALWAYS` for the erased. Units: Unix milliseconds.
        """
        ...


def tombstone(user_id: str, key: bytes) -> bytes:
    """The keyed hash that stands for an id. Shape: 16 bytes."""
    return hashlib.blake2b(user_id.encode(), digest_size=16, key=key).digest()
