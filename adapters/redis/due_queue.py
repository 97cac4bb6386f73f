"""The debounce queue that all workers share: who is to be refreshed when, and by whom.

Per shard: `due` (when), `first` (the mark that bounds the wait), `inflight`
(leases), `tokens` (who holds them), `popped` (the last refresh, for a leading
edge after a quiet time), `accepted` (when a user's oldest new event was
accepted). The rules are those of the in-memory queue.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import queue_key, shard_of
from adapters.redis.scripts import Call, Script, run_script
from core.errors import RetryableError
from core.queues import Debounce, DueUser, Forgotten, QueueDepth, Waiting

# Who is due already is put off by no mark, nor is a leading edge by the mark of
# a worker whose clock is slow.
_MARK = Script("""
local due, first, popped, held, accepted = KEYS[1], KEYS[2], KEYS[3], KEYS[7], KEYS[8]
local now, debounce, max_wait = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
for index = 4, #ARGV, 2 do
  local user, at = ARGV[index], nil
  local since = tonumber(redis.call('ZSCORE', first, user) or nil)
  local new = tonumber(ARGV[index + 1])
  local oldest = tonumber(redis.call('HGET', accepted, user) or nil)
  if new and (not oldest or new < oldest) then
    redis.call('HSET', accepted, user, ARGV[index + 1])
  end
  if not since then
    since = now
    redis.call('ZADD', first, now, user)
    local last = tonumber(redis.call('ZSCORE', popped, user) or nil)
    if not last or now - last >= debounce then at = now end
  elseif redis.call('HEXISTS', held, user) == 1
      or tonumber(redis.call('ZSCORE', due, user) or now + 1) <= math.max(now, since) then
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
local held, accepted = KEYS[7], KEYS[8]
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local debounce, lease = tonumber(ARGV[3]), tonumber(ARGV[4])
for _, user in ipairs(redis.call('ZRANGE', inflight, '-inf', now, 'BYSCORE')) do
  local taken = string.match(redis.call('HGET', tokens, user) or '', ':(%d+)$')
  local oldest = tonumber(redis.call('HGET', accepted, user) or nil)
  if taken and (not oldest or tonumber(taken) < oldest) then
    redis.call('HSET', accepted, user, taken)
  end
  redis.call('ZREM', inflight, user)
  redis.call('HDEL', tokens, user)
  redis.call('ZADD', first, 'NX', now, user)
  redis.call('ZADD', due, 'LT', redis.call('HGET', held, user) or now, user)
  redis.call('HDEL', held, user)
  redis.call('ZADD', due, 'LT', now, user)
end
redis.call('ZREMRANGEBYSCORE', popped, '-inf', now - debounce)
local leased = {}
while #leased < 3 * limit do
  local wanted = limit - #leased / 3
  local found = redis.call('ZRANGE', due, '-inf', now, 'BYSCORE', 'LIMIT', 0, wanted, 'WITHSCORES')
  if #found == 0 then break end
  for index = 1, #found, 2 do
    local user = found[index]
    redis.call('ZREM', due, user)
    if redis.call('ZSCORE', inflight, user) then
      redis.call('HSET', held, user, found[index + 1])
    else
      local token = redis.call('INCR', KEYS[6])
      local oldest = redis.call('HGET', accepted, user) or ''
      redis.call('HDEL', accepted, user)
      redis.call('ZREM', first, user)
      redis.call('ZADD', popped, now, user)
      redis.call('ZADD', inflight, now + lease, user)
      redis.call('HSET', tokens, user, token .. ':' .. oldest)
      leased[#leased + 1] = user
      leased[#leased + 1] = token
      leased[#leased + 1] = oldest
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
  if string.match(redis.call('HGET', tokens, user) or '', '^(%d+):') == token then
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

# A lease stays for its holder, or for who takes over from one that died; at its
# end the user is due at once, so that somebody looks once more.
_FORGET = Script("""
local removed, in_hand = 0, 0
for _, user in ipairs(ARGV) do
  local marks = redis.call('ZREM', KEYS[1], user)
  redis.call('ZREM', KEYS[2], user)
  redis.call('ZREM', KEYS[3], user)
  redis.call('HDEL', KEYS[8], user)
  if redis.call('ZSCORE', KEYS[4], user) then
    redis.call('HSET', KEYS[7], user, 0)
    in_hand = in_hand + 1
  else
    marks = marks + redis.call('HDEL', KEYS[7], user)
  end
  if marks > 0 then removed = removed + 1 end
end
return {removed, in_hand}
""")

_USERS_A_CALL = 1000
"""A script stops everybody else; this many are marked within some ten milliseconds."""
ROLES = ("due", "first", "popped", "inflight", "tokens", "sequence", "held", "accepted")
_SIZES = {"due": "ZCARD", "first": "ZCARD", "inflight": "ZCARD", "held": "HLEN"}


class RedisDueQueue:
    """The queue as a `DueQueue`, one set of keys a shard."""

    def __init__(self, client: Client, debounce: Debounce, *, shards: int) -> None:
        """Keep the client and the times of the debounce."""
        self._client = client
        self._debounce = debounce
        self._shards = shards
        self._turn = -1

    async def mark(self, accepted: Mapping[str, int | None], *, now_ms: int) -> None:
        """Due at once after a quiet time, else gathered up to the longest wait.

        Raises: RetryableError, and marks nobody, while the queue is full.
        """
        if not accepted:
            return
        with driver_errors("marking users due"):
            await self._require_room()
            await run_script(self._client, _MARK, list(self._marks(accepted, now_ms)))

    async def _require_room(self) -> None:
        """Raise RetryableError while the queue is full.

        Whoever finds room marks all of theirs: cut in half, a batch that comes
        again would begin with those who have been refreshed, for ever.
        """
        async with self._client.pipeline(transaction=False) as pipe:
            for shard in range(self._shards):
                pipe.zcard(queue_key("first", shard))
            waiting: int = sum(await pipe.execute())
        if waiting >= self._debounce.max_pending:
            raise RetryableError(f"{waiting} users wait for a refresh already")

    def _marks(self, accepted: Mapping[str, int | None], now_ms: int) -> Iterator[Call]:
        times = (now_ms, self._debounce.debounce_ms, self._debounce.max_wait_ms)
        shards: dict[int, list[str | int]] = {}
        for user_id, accepted_ms in accepted.items():
            part = shards.setdefault(shard_of(user_id, self._shards), [])
            part += (user_id, "" if accepted_ms is None else accepted_ms)
        for shard, marks in shards.items():
            for start in range(0, len(marks), 2 * _USERS_A_CALL):
                yield Call(self._keys(shard), (*times, *marks[start : start + 2 * _USERS_A_CALL]))

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
            found = zip(leased[::3], leased[1::3], leased[2::3], strict=True)
            users += [
                DueUser(user.decode(), int(token), int(oldest) if oldest else None, shard)
                for user, token, oldest in found
            ]
            if len(users) >= limit:
                break
        return users

    async def complete(self, done: Sequence[DueUser], *, again_ms: int | None) -> None:
        """End the leases whose token is still the one given; book the next refresh."""
        again = "" if again_ms is None else again_ms
        parts: dict[int, list[str | int]] = {}
        for user in done:
            parts.setdefault(user.shard, []).extend((user.user_id, user.token))
        calls = [Call(self._keys(shard), (again, *part)) for shard, part in parts.items()]
        with driver_errors("completing refreshes"):
            await run_script(self._client, _COMPLETE, calls)

    async def depth(self) -> QueueDepth:
        """How many users are in the queue, of all shards."""
        with driver_errors("looking at the queue"):
            async with self._client.pipeline(transaction=False) as pipe:
                for shard in range(self._shards):
                    for role in ("due", "first", "inflight", "held"):
                        pipe.execute_command(_SIZES[role], queue_key(role, shard))
                found: list[int] = await pipe.execute()
        due, pending, leased, held = (sum(found[start::4]) for start in range(4))
        return QueueDepth(pending=pending, leased=leased, booked=max(due + held - pending, 0))

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Waiting]:
        """What it holds of each of the users, in whichever shard."""
        with driver_errors("looking at users in the queue"):
            async with self._client.pipeline(transaction=False) as pipe:
                for one in user_ids:
                    for shard in range(self._shards):
                        pipe.zscore(queue_key("due", shard), one)
                        pipe.hget(queue_key("held", shard), one)
                        pipe.zscore(queue_key("inflight", shard), one)
                found: list[Any] = await pipe.execute()
        width = 3 * self._shards
        return {
            one: _waiting(found[start : start + width])
            for one, start in zip(user_ids, range(0, len(found), width), strict=True)
        }

    async def forget(self, user_ids: Sequence[str]) -> Forgotten:
        """Remove all that any shard holds of the users but their leases."""
        if not user_ids:
            return Forgotten(0, 0)
        # Of every shard: who was marked before their number was raised lies in another.
        calls = [
            Call(self._keys(shard), list(dict.fromkeys(user_ids))) for shard in range(self._shards)
        ]
        with driver_errors("forgetting users in the queue"):
            found = await run_script(self._client, _FORGET, calls)
        removed, in_hand = (sum(part) for part in zip(*found, strict=True))
        return Forgotten(removed, in_hand)

    def _keys(self, shard: int) -> tuple[str, ...]:
        return tuple(queue_key(role, shard) for role in ROLES)


def _waiting(found: Sequence[Any]) -> Waiting:
    """From `due`, `held` and `inflight` of one shard after the other."""
    due = [float(one) for start in (0, 1) for one in found[start::3] if one is not None]
    is_leased = any(one is not None for one in found[2::3])
    return Waiting(due_ms=int(min(due)) if due else None, is_leased=is_leased)
