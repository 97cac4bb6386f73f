"""A lease in Redis: one key with a short life, which its holder renews."""

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import lease_key
from adapters.redis.scripts import Call, Script, run_script

_HOLD = Script("""
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

_RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
""")


class RedisLease:
    """A `Lease`, which lasts `ttl_ms` from the last time it was taken or kept."""

    def __init__(self, client: Client, *, name: str, ttl_ms: int) -> None:
        """`name` is what is leased."""
        self._client = client
        self._key = lease_key(name)
        self._ttl_ms = ttl_ms

    async def hold(self, holder: str) -> bool:
        """Take it, or renew it."""
        with driver_errors("holding a lease"):
            [held] = await run_script(
                self._client, _HOLD, [Call((self._key,), (holder, self._ttl_ms))]
            )
        return bool(held)

    async def release(self, holder: str) -> None:
        """Let the next one take it at once."""
        with driver_errors("releasing a lease"):
            await run_script(self._client, _RELEASE, [Call((self._key,), (holder,))])
