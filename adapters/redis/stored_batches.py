"""The raw batches where they lie in the streams of all shards, to take somebody out of them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, get_args

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import discard_key, stream_key
from adapters.redis.scripts import Call, Script, run_script
from adapters.redis.stream import entry_fields, raw_batch
from core.erasing.stored import Replaced
from core.queues import RawBatch

_ENTRIES_A_PAGE = 25
"""A hundred megabytes of the largest bodies."""

# In one step: between a look and the removal a worker might read the entry. A
# copy is added for whatever group has yet to read it; where all have finished,
# it would only be applied again. One that is in a hand goes when that has finished.
_REPLACE = Script("""
local function parts(id)
  local ms, number = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(number)
end
local function is_after(one, other)
  local ms, number = parts(one)
  local other_ms, other_number = parts(other)
  return ms > other_ms or (ms == other_ms and number > other_number)
end
local stream, entry = KEYS[1], ARGV[1]
if #redis.call('XRANGE', stream, entry, entry) == 0 then return 'gone' end
local groups = redis.call('XINFO', 'GROUPS', stream)
local is_unread = #groups == 0
for _, group in ipairs(groups) do
  local of = {}
  for index = 1, #group, 2 do of[group[index]] = group[index + 1] end
  if is_after(entry, of['last-delivered-id']) then
    is_unread = true
  elseif #redis.call('XPENDING', stream, of['name'], entry, entry, 1) > 0 then
    redis.call('SADD', KEYS[2], entry)
    return 'in_hand'
  end
end
if is_unread and #ARGV > 1 then redis.call('XADD', stream, '*', unpack(ARGV, 2)) end
redis.call('XDEL', stream, entry)
return 'replaced'
""")
_OUTCOMES: dict[bytes, Replaced] = {one.encode(): one for one in get_args(Replaced)}


class RedisStoredBatches:
    """The streams as `StoredBatches`."""

    def __init__(self, client: Client, *, shards: int) -> None:
        """Keep the client and the number of streams."""
        self._client = client
        self._shards = shards

    async def pages(self) -> AsyncIterator[Sequence[RawBatch]]:
        """All that are stored now, finished ones too, a shard after the other."""
        for shard in range(self._shards):
            async for page in self._pages(shard):
                yield page

    async def replace(self, batch: RawBatch, body: bytes | None) -> Replaced:
        """Give a batch another body, None: remove it; one in a worker's hand stays."""
        fields: list[Any] = []
        if body is not None:
            added = entry_fields(body, batch.call_type, batch.received_ms)
            fields = [part for pair in added.items() for part in pair]
        names = (stream_key(batch.shard), discard_key(batch.shard))
        call = Call(names, (batch.entry_id, *fields))
        with driver_errors("replacing an entry"):
            [outcome] = await run_script(self._client, _REPLACE, [call])
        return _OUTCOMES[outcome]

    async def discard(self, batches: Sequence[RawBatch]) -> None:
        """Remove batches that are done with."""
        with driver_errors("removing entries"):
            for one in batches:
                await self._client.xdel(stream_key(one.shard), one.entry_id)

    async def _pages(self, shard: int) -> AsyncIterator[Sequence[RawBatch]]:
        """Up to the entry that is the newest now: what comes later meets the tombstone."""
        key, start = stream_key(shard), "-"
        with driver_errors("looking through the stream"):
            last: Any = await self._client.xrevrange(key, count=1)
        while last:
            with driver_errors("looking through the stream"):
                found: Any = await self._client.xrange(
                    key, start, last[0][0], count=_ENTRIES_A_PAGE
                )
            if not found:
                return
            yield [raw_batch(entry_id, fields, shard) for entry_id, fields in found]
            start = f"({found[-1][0].decode()}"
