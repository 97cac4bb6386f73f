"""Tombstones that all workers share: two sorted sets of keyed hashes, by time.

Without a key from outside one is made once and lies beside the hashes: whoever
reads both can find out whether an id that they know was erased, but no id that
they do not know.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import ERASED, TOMBSTONE_KEY, WITHDRAWN
from core.erasing.tombstones import ALWAYS, tombstone

_KEY_BYTES = 32


class RedisTombstones:
    """Keyed hashes as `Tombstones`."""

    def __init__(
        self, client: Client, *, key: bytes, window_ms: int, clock_ms: Callable[[], int]
    ) -> None:
        """An empty key is made by whoever needs one first, and shared.

        Events older than the window are refused anyway.
        """
        self._client = client
        self._key = key
        self._window_ms = window_ms
        self._clock_ms = clock_ms

    async def erase(self, user_ids: Sequence[str], *, until_ms: int) -> None:
        """Refuse all events of the ids until that moment, or a later one said before."""
        await self._raise(ERASED, user_ids, until_ms, gone_ms=self._clock_ms())

    async def withdraw(self, user_ids: Sequence[str], *, before_ms: int) -> None:
        """Refuse events of the ids that happened up to that moment, or a later one said before."""
        gone_ms = self._clock_ms() - self._window_ms - 1
        await self._raise(WITHDRAWN, user_ids, before_ms, gone_ms=gone_ms)

    async def among(self, user_ids: Sequence[str], *, now_ms: int) -> Mapping[str, int]:
        """Of those of the ids that have one: up to when their events are refused."""
        if not user_ids:
            return {}
        with driver_errors("asking for tombstones"):
            hashes = await self._hashes(user_ids)
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.zmscore(ERASED, hashes)
                pipe.zmscore(WITHDRAWN, hashes)
                erased, withdrawn = await pipe.execute()
        found: dict[str, int] = {}
        for one, until, before in zip(user_ids, erased, withdrawn, strict=True):
            if until is not None and float(until) > now_ms:
                found[one] = ALWAYS
            elif before is not None and float(before) >= now_ms - self._window_ms:
                found[one] = int(float(before))
        return found

    async def _raise(self, key: str, user_ids: Sequence[str], at_ms: int, *, gone_ms: int) -> None:
        """Remember the ids up to a moment; what has had its time is forgotten."""
        if not user_ids:
            return
        with driver_errors("setting tombstones"):
            hashes = await self._hashes(user_ids)
            async with self._client.pipeline(transaction=False) as pipe:
                pipe.zadd(key, dict.fromkeys(hashes, at_ms), gt=True)
                pipe.zremrangebyscore(key, "-inf", gone_ms)
                await pipe.execute()

    async def _hashes(self, user_ids: Sequence[str]) -> list[Any]:
        key = self._key or await self._shared_key()
        return [tombstone(one, key) for one in user_ids]

    async def _shared_key(self) -> bytes:
        """Asked for each time: after a Redis was emptied, all must go on with the same one."""
        found: Any = await self._client.get(TOMBSTONE_KEY)
        if found is None:
            await self._client.set(TOMBSTONE_KEY, secrets.token_bytes(_KEY_BYTES), nx=True)
            found = await self._client.get(TOMBSTONE_KEY)
        return bytes(found)
