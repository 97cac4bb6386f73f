"""`PersonLog`: the rows that the log has of persons, a role that an adapter fills."""

from collections.abc import Collection, Sequence
from typing import Any, Protocol


class PersonLog(Protocol):
    """Every method may raise RetryableError when the storage is away."""

    async def forget(self, user_ids: Collection[str], *, until_ms: int | None = None) -> int:
        """Remove the rows of the ids up to that moment, None: all; how many there were.

        Rows that are on their way are removed, too. Units: Unix milliseconds.
        """
        ...

    async def rows(self, user_ids: Collection[str]) -> Sequence[dict[str, Any]]:
        """What there is of the ids."""
        ...
