"""The debounce queue that all workers share: who is to be refreshed when, and by whom.

Per shard: `due` (when), `first` (the mark that bounds the wait), `inflight`
(leases), `tokens` (who holds them), `popped` (the last refresh, for a leading
edge after a quiet time). The rules are those of the in-memory queue.
"""

from collections.abc import Sequence

from redis.asyncio import Redis

from adapters.redis.connection import Call, Script, driver_errors, run_script
from adapters.redis.keys import queue_key, shard_of
from core.ports import Debounce, DueUser

_MARK = Script("""
local due, first, popped, held = KEYS[1], KEYS[2], KEYS[3], KEYS[7]
local now, debounce, max_wait = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for index = 4, #ARGV do
  local user = ARGV[index]
  local since = tonumber(redis.call('ZSCORE', first, user) or nil)
  local at = nil
  if not since then
    since = now
    redis.call('ZADD', first, now, user)
    local last = tonumber(redis.call('ZSCORE', popped, user) or nil)
    if not last or now - last >= debounce then at = now end
  elseif redis.call('HEXISTS', held, user) == 1
      or tonumber(redis.call('ZSCORE', due, user) or now + 1) <= now then
    at = false
  end
  if at == nil then at = math.min(since + max_wait, now + debounce) end
  if at then redis.call('ZADD', due, at, user) end
end
""")

# A due user whose lease runs moves from `due` to `held` with its time; the end
# of the lease, by completion or by itself, moves it back.
_POP = Script("""
local due, first, popped, inflight, tokens = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local held = KEYS[7]
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local debounce, lease = tonumber(ARGV[3]), tonumber(ARGV[4])
for _, user in ipairs(redis.call('ZRANGE', inflight, '-inf', now, 'BYSCORE')) do
  redis.call('ZREM', inflight, user)
  redis.call('HDEL', tokens, user)
  redis.call('ZADD', first, 'NX', now, user)
  redis.call('ZADD', due, 'LT', redis.call('HGET', held, user) or now, user)
  redis.call('HDEL', held, user)
  redis.call('ZADD', due, 'LT', now, user)
end
redis.call('ZREMRANGEBYSCORE', popped, '-inf', now - debounce)
local leased = {}
while #leased < 2 * limit do
  local wanted = limit - #leased / 2
  local found = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, wanted, 'WITHSCORES')
  if #found == 0 then break end
  for index = 1, #found, 2 do
    local user = found[index]
    redis.call('ZREM', due, user)
    if redis.call('ZSCORE', inflight, user) then
      redis.call('HSET', held, user, found[index + 1])
    else
      local token = redis.call('INCR', KEYS[6])
      redis.call('ZREM', first, user)
      redis.call('ZADD', popped, now, user)
      redis.call('ZADD', inflight, now + lease, user)
      redis.call('HSET', tokens, user, token)
      leased[#leased + 1] = user
      leased[#leased + 1] = token
    end
  end
end
return leased
""")

_COMPLETE = Script("""
local due, inflight, tokens, held = KEYS[1], KEYS[4], KEYS[5], KEYS[7]
local again = ARGV[1]
for index = 2, #ARGV, 2 do
  local user, token = ARGV[index], ARGV[index + 1]
  if redis.call('HGET', tokens, user) == token then
    redis.call('ZREM', inflight, user)
    redis.call('HDEL', tokens, user)
    local since = redis.call('HGET', held, user)
    if since then
      redis.call('HDEL', held, user)
      redis.call('ZADD', due, since, user)
    elseif again ~= '' then
      redis.call('ZADD', due, 'NX', again, user)
    end
  end
end
""")

_ROLES = ("due", "first", "popped", "inflight", "tokens", "sequence", "held")


class RedisDueQueue:
    """The queue as a `DueQueue`, one set of keys a shard."""

    def __init__(self, client: Redis, debounce: Debounce, *, shards: int) -> None:
        """Keep the client and the times of the debounce."""
        self._client = client
        self._debounce = debounce
        self._shards = shards
        self._turn = -1

    async def mark(self, user_ids: Sequence[str], *, now_ms: int) -> None:
        """Due at once after a quiet time, else gathered up to the longest wait."""
        times = (now_ms, self._debounce.debounce_ms, self._debounce.max_wait_ms)
        calls = [
            Call(self._keys(shard), (*times, *users))
            for shard, users in self._by_shard(user_ids).items()
        ]
        with driver_errors("marking users due"):
            await run_script(self._client, _MARK, calls)

    async def pop(self, *, limit: int, now_ms: int) -> Sequence[DueUser]:
        """Lease the users that are due, the longest waiting of each shard first."""
        users: list[DueUser] = []
        self._turn += 1  # or the last shard starves where the first ones fill the limit
        for offset in range(self._shards):
            shard = (self._turn + offset) % self._shards
            times = (
                now_ms,
                limit - len(users),
                self._debounce.debounce_ms,
                self._debounce.lease_ms,
            )
            with driver_errors("popping due users"):
                [leased] = await run_script(self._client, _POP, [Call(self._keys(shard), times)])
            pairs = zip(leased[::2], leased[1::2], strict=True)
            users += [DueUser(user.decode(), int(token)) for user, token in pairs]
            if len(users) >= limit:
                break
        return users

    async def complete(self, done: Sequence[DueUser], *, again_ms: int | None) -> None:
        """End the leases whose token is still the one given; book the next refresh."""
        again = "" if again_ms is None else again_ms
        parts: dict[int, list[str | int]] = {}
        for user in done:
            shard = shard_of(user.user_id, self._shards)
            parts.setdefault(shard, []).extend((user.user_id, user.token))
        calls = [Call(self._keys(shard), (again, *part)) for shard, part in parts.items()]
        with driver_errors("completing refreshes"):
            await run_script(self._client, _COMPLETE, calls)

    def _keys(self, shard: int) -> tuple[str, ...]:
        return tuple(queue_key(role, shard) for role in _ROLES)

    def _by_shard(self, user_ids: Sequence[str]) -> dict[int, list[str]]:
        shards: dict[int, list[str]] = {}
        for user_id in user_ids:
            shards.setdefault(shard_of(user_id, self._shards), []).append(user_id)
        return shards
