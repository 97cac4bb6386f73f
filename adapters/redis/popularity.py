"""The latest counts of views: one hash, of which readers ask the version first."""

from typing import Any

import structlog

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import POPULARITY
from adapters.redis.scripts import Call, Script, run_script
from core.log_names import COUNTS_UNREADABLE
from core.popularity.stored import FORMAT, decode_counts, encode_counts
from core.popularity.views import ViewCounts

_log = structlog.get_logger()

_SAVE = Script("""
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
""")


class RedisPopularityStore:
    """A `PopularityStore`; another form of the counts has another key."""

    def __init__(self, client: Client, *, ttl_s: int, name: str = POPULARITY) -> None:
        """What nobody counts anew for `ttl_s` is gone."""
        self._client = client
        self._ttl_ms = ttl_s * 1000
        self._key = f"{name}:{FORMAT}"

    async def save(self, counts: ViewCounts) -> None:
        """Replace what was saved before."""
        args = (counts.counted_at_ms, encode_counts(counts), self._ttl_ms)
        with driver_errors("saving counts of views"):
            await run_script(self._client, _SAVE, [Call((self._key,), args)])

    async def get(self, known: ViewCounts | None = None) -> ViewCounts | None:
        """What was saved last, or `known` where that is it."""
        client: Any = self._client
        with driver_errors("reading counts of views"):
            version = await client.hget(self._key, "version")
            if known is not None and version == str(known.counted_at_ms).encode():
                return known
            body = None if version is None else await client.hget(self._key, "body")
        if body is None:
            return None
        try:
            return decode_counts(body)
        except ValueError as exc:
            _log.warning(COUNTS_UNREADABLE, error=str(exc))
            return None
