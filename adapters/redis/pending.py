"""What workers read and did not finish: claimed, given up on, and trimmed behind."""

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import GROUP, discard_key, stream_key
from adapters.redis.scripts import Call, Script, run_script
from adapters.redis.stream import raw_batch
from core.queues import RawBatch, StaleEntry

# In one step: a consumer that reads between a look and its removal would lose
# what it had just been given.
_REMOVE_GONE = Script("""
local gone = 0
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local of = {}
  for index = 1, #consumer, 2 do of[consumer[index]] = consumer[index + 1] end
  if of['pending'] == 0 and of['idle'] >= tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], of['name'])
    gone = gone + 1
  end
end
return gone
""")

# In one step: a group that is destroyed and made again between two looks would
# seem to be done with what it has yet to read. What every group was given and
# has finished goes, to the last entry: with `~` Redis would keep up to a hundred
# bodies until others push them out.
_TRIM = Script("""
local function parts(id)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(number)
end
local function is_before(one, other)
  local ms, number = parts(one)
  local other_ms, other_number = parts(other)
  return ms < other_ms or (ms == other_ms and number < other_number)
end
if redis.call('EXISTS', KEYS[1]) == 0 then return end
local slowest = nil
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local of = {}
  for index = 1, #group, 2 do of[group[index]] = group[index + 1] end
  local ms, number = parts(of['last-delivered-id'])
  local reached = string.format('%.0f-%.0f', ms, number + 1)
  if of['pending'] > 0 then
    local oldest = redis.call('XPENDING', KEYS[1], of['name'])[2]
    if is_before(oldest, reached) then reached = oldest end
  end
  if not slowest or is_before(reached, slowest) then slowest = reached end
end
if slowest then redis.call('XTRIM', KEYS[1], 'MINID', slowest) end
""")

_DISCARD = Script("""
local gone = 0
for _, entry in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  local is_pending = false
  if redis.call('EXISTS', KEYS[1]) == 1 then
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
      local of = {}
      for index = 1, #group, 2 do of[group[index]] = group[index + 1] end
      local found = redis.call('XPENDING', KEYS[1], of['name'], entry, entry, 1)
      if #found > 0 then is_pending = true end
    end
  end
  if not is_pending then
    gone = gone + redis.call('XDEL', KEYS[1], entry)
    redis.call('SREM', KEYS[2], entry)
  end
end
return gone
""")


class RedisPendingBatches:
    """What was delivered and never acknowledged, and what may be trimmed, of one shard."""

    def __init__(self, client: Client, *, shard: int, consumer: str) -> None:
        """Read as `consumer` of the group that the workers share."""
        self._client = client
        self._shard = shard
        self._key = stream_key(shard)
        self._consumer = consumer

    async def ensure_group(self) -> None:
        """Create the group at the very beginning of the stream, where it is not there.

        It is looked for first: a full server refuses to create even what is
        there, and a keeper stopped by that would not trim and make room.
        """
        with driver_errors("creating the consumer group"):
            if await self._has_group():
                return
            try:
                await self._client.xgroup_create(self._key, GROUP, id="0", mkstream=True)
            except ResponseError as exc:
                if "BUSYGROUP" not in str(exc):
                    raise

    async def stale(self, *, idle_ms: int, limit: int) -> Sequence[StaleEntry]:
        """Up to `limit` entries that no consumer has finished for `idle_ms`, oldest first."""
        with driver_errors("looking for stale entries"):
            found: Any = await self._client.xpending_range(
                self._key, GROUP, min="-", max="+", count=limit, idle=idle_ms
            )
        return [
            StaleEntry(entry_id=one["message_id"].decode(), deliveries=one["times_delivered"])
            for one in found
        ]

    async def take(self, entry_ids: Sequence[str], *, idle_ms: int) -> Sequence[RawBatch]:
        """Take over those of the entries that are still stale; each is one delivery more."""
        if not entry_ids:
            return []
        with driver_errors("taking over stale entries"):
            entries: Any = await self._client.xclaim(
                self._key,
                GROUP,
                self._consumer,
                min_idle_time=idle_ms,
                message_ids=list(entry_ids),
            )
        return [raw_batch(entry_id, fields, self._shard) for entry_id, fields in entries if fields]

    async def forgive(self, entries: Sequence[StaleEntry]) -> None:
        """Give the entries back their earlier count: it was not their fault."""
        with driver_errors("giving entries back"):
            for count in {one.deliveries for one in entries}:
                await self._client.xclaim(
                    self._key,
                    GROUP,
                    self._consumer,
                    min_idle_time=0,
                    message_ids=[one.entry_id for one in entries if one.deliveries == count],
                    retrycount=count,
                    justid=True,
                )

    async def own(self, *, limit: int, after: str = "0") -> Sequence[RawBatch]:
        """What was delivered to this very consumer and not finished, past an entry's id."""
        with driver_errors("reading its own unfinished entries"):
            found: Any = await self._client.xreadgroup(
                GROUP, self._consumer, {self._key: after}, count=limit
            )
        return [
            raw_batch(entry_id, fields, self._shard)
            for _, entries in found
            for entry_id, fields in entries
            if fields
        ]

    async def remove_gone(self, *, idle_ms: int) -> int:
        """Forget the consumers that left nothing and have not read for `idle_ms`; how many."""
        with driver_errors("removing gone consumers"):
            [gone] = await run_script(
                self._client, _REMOVE_GONE, [Call((self._key,), (GROUP, idle_ms))]
            )
        return int(gone)

    async def acknowledge(self, batches: Sequence[RawBatch]) -> None:
        """Mark entries as done."""
        if batches:
            with driver_errors("acknowledging entries"):
                await self._client.xack(self._key, GROUP, *(batch.entry_id for batch in batches))

    async def trim(self) -> None:
        """Drop the entries that every group is done with, all of them; never one that is not."""
        names = (self._key, discard_key(self._shard))
        with driver_errors("trimming the stream"):
            await run_script(self._client, _DISCARD, [Call(names, ())])
            await run_script(self._client, _TRIM, [Call((self._key,), ())])

    async def _has_group(self) -> bool:
        if not await self._client.exists(self._key):
            return False
        groups = await self._client.xinfo_groups(self._key)
        return any(group["name"] == GROUP.encode() for group in groups)
