"""`ParquetPersonLog`: the log as a place that persons are erased from."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from adapters.parquet.erasing import ALWAYS, LogErasing
from adapters.parquet.folder import LogFolder
from core.answer_log.served import Pseudonym
from core.errors import RetryableError

_WITHIN_S = 120.0
T = TypeVar("T")


class ParquetPersonLog:
    """A `PersonLog` over files."""

    def __init__(self, folder: LogFolder, pseudonym: Pseudonym) -> None:
        """`pseudonym` is that of the log's rows."""
        self._erasing = LogErasing(folder)
        self._pseudonym = pseudonym

    async def forget(self, user_ids: Collection[str], *, until_ms: int | None = None) -> int:
        """Remove the rows of the ids; files that have some are written anew."""
        hashes = self._hashes(user_ids)
        before_ms = ALWAYS if until_ms is None else until_ms
        removed = await _beside(lambda: self._erasing.forget(hashes, before_ms))
        return removed.answers + removed.events

    async def rows(self, user_ids: Collection[str]) -> Sequence[dict[str, Any]]:
        """What there is of the ids, with the name of where it lies."""
        hashes = self._hashes(user_ids)
        return await _beside(lambda: list(self._rows(hashes)))

    def _rows(self, hashes: Sequence[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name, table in self._erasing.rows(hashes):
            found += [{"log": name, **_readable(row)} for row in table.to_pylist()]
        return found

    def _hashes(self, user_ids: Collection[str]) -> list[str]:
        return [self._pseudonym(one) for one in user_ids]


async def _beside(work: Callable[[], T]) -> T:
    """In a thread; one that a storage holds up is left to itself. Raises: RetryableError."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await asyncio.to_thread(work)
    except (OSError, TimeoutError) as exc:
        raise RetryableError(f"the log cannot be reached: {exc or 'time-out'}") from exc


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Stored JSON as text."""
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for name, value in row.items()
    }
