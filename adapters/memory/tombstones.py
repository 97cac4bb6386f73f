"""Tombstones in the memory of one process; the Redis ones follow the same rules."""

from collections.abc import Callable, Mapping, Sequence

from core.erasing.tombstones import ALWAYS, tombstone


class InMemoryTombstones:
    """Keyed hashes with their terms."""

    def __init__(self, *, key: bytes, window_ms: int, clock_ms: Callable[[], int]) -> None:
        """Events older than the window are refused anyway."""
        self._key = key
        self._window_ms = window_ms
        self._clock_ms = clock_ms
        self._erased: dict[bytes, int] = {}
        self._withdrawn: dict[bytes, int] = {}

    async def erase(self, user_ids: Sequence[str], *, until_ms: int) -> None:
        """Refuse all events of the ids until that moment, or a later one said before."""
        now_ms = self._clock_ms()
        self._erased = {one: until for one, until in self._erased.items() if until > now_ms}
        _raise(self._erased, self._hashes(user_ids), until_ms)

    async def withdraw(self, user_ids: Sequence[str], *, before_ms: int) -> None:
        """Refuse events of the ids that happened up to that moment, or a later one said before."""
        since_ms = self._clock_ms() - self._window_ms
        self._withdrawn = {one: ms for one, ms in self._withdrawn.items() if ms >= since_ms}
        _raise(self._withdrawn, self._hashes(user_ids), before_ms)

    async def among(self, user_ids: Sequence[str], *, now_ms: int) -> Mapping[str, int]:
        """Of those of the ids that have one: up to when their events are refused."""
        found: dict[str, int] = {}
        for one, hashed in zip(user_ids, self._hashes(user_ids), strict=True):
            before_ms = self._withdrawn.get(hashed)
            if self._erased.get(hashed, 0) > now_ms:
                found[one] = ALWAYS
            elif before_ms is not None and before_ms >= now_ms - self._window_ms:
                found[one] = before_ms
        return found

    def _hashes(self, user_ids: Sequence[str]) -> list[bytes]:
        return [tombstone(one, self._key) for one in user_ids]


def _raise(kept: dict[bytes, int], hashes: Sequence[bytes], at_ms: int) -> None:
    for one in hashes:
        kept[one] = max(at_ms, kept.get(one, at_ms))
