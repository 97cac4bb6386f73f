"""The latest counts of views in the memory of one process, as the bytes that Redis would hold."""

from collections.abc import Callable

from core.popularity.stored import decode_counts, encode_counts
from core.popularity.views import ViewCounts


class InMemoryPopularityStore:
    """Keeps them for `ttl_s` seconds."""

    def __init__(self, *, ttl_s: float, clock_s: Callable[[], float]) -> None:
        """`clock_s` is a steady clock; tests pass one that they move."""
        self._ttl_s = ttl_s
        self._clock_s = clock_s
        self._expires_s = 0.0
        self._version: int | None = None
        self._body = b""

    async def save(self, counts: ViewCounts) -> None:
        """Replace what was saved before."""
        self._version, self._body = counts.counted_at_ms, encode_counts(counts)
        self._expires_s = self._clock_s() + self._ttl_s

    async def get(self, known: ViewCounts | None = None) -> ViewCounts | None:
        """What was saved last, or `known` where that is it."""
        if self._version is None or self._clock_s() >= self._expires_s:
            return None
        if known is not None and known.counted_at_ms == self._version:
            return known
        return decode_counts(self._body)
