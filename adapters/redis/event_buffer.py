"""Every user's last days of events: a sorted set by time, one member an event."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import chain

from redis.asyncio.cluster import RedisCluster

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import events_key, revision_key, user_of
from adapters.redis.scripts import Call, Script, run_script
from core.events import InteractionEvent, decode_member, encode_member
from core.ports import Begun, EventWindow, each_alone

_EVENTS_A_CALL = 1000
"""Lua's unpack takes some 8000 values; an event is two."""
_USERS_A_CALL = 50
"""Of one server; in a cluster two users seldom share a slot, and a script has one."""
_ALL_EVENTS = "events:{"
_KEYS_A_SCAN = 1000

# An event that comes again with another clock correction keeps the earlier time
# (LT), so the set does not depend on the order of arrival. One that lies before
# all of a full buffer would only be added to be dropped, and is left out. The
# revision follows the clock, so one that was lost with its key cannot start
# below a stored model. The first write is the one that a full server refuses.
_APPEND = Script("""
local now, since, keep, ttl, revision_ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local changes, at = {}, 6
for user = 1, #KEYS / 2 do
  local events, revisions = KEYS[2 * user - 1], KEYS[2 * user]
  local lowest = nil
  if redis.call('ZCARD', events) >= keep then
    lowest = redis.call('ZRANGE', events, 0, 0, 'WITHSCORES')
  end
  local last = at + 2 * tonumber(ARGV[at])
  local scored = {}
  for index = at + 1, last, 2 do
    local score, member = tonumber(ARGV[index]), ARGV[index + 1]
    if not lowest or score > tonumber(lowest[2])
        or (score == tonumber(lowest[2]) and member >= lowest[1])
        or redis.call('ZSCORE', events, member) then
      scored[#scored + 1] = ARGV[index]
      scored[#scored + 1] = member
    end
  end
  at = last + 1
  local changed = 0
  if #scored > 0 then
    changed = redis.call('ZADD', events, 'LT', 'CH', unpack(scored))
  end
  redis.call('ZREMRANGEBYSCORE', events, '-inf', '(' .. since)
  redis.call('ZREMRANGEBYRANK', events, 0, -keep - 1)
  redis.call('PEXPIRE', events, ttl)
  if changed > 0 then
    local revision = tonumber(redis.call('GET', revisions) or 0) + 1
    redis.call('SET', revisions, string.format('%.0f', math.max(revision, tonumber(now))),
      'PX', revision_ttl)
  end
  changes[user] = changed
end
return changes
""")


# Also of an id without events: a refresh that finds none must not be outdone by an older one.
_BEGIN = Script("""
local revision = tonumber(redis.call('GET', KEYS[1]) or 0) + 1
local text = string.format('%.0f', math.max(revision, tonumber(ARGV[1])))
redis.call('SET', KEYS[1], text, 'PX', ARGV[2])
return text
""")

_FORGET = Script("""
if ARGV[1] ~= '' then return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1]) end
local removed = redis.call('ZCARD', KEYS[1])
redis.call('DEL', KEYS[1], KEYS[2])
return removed
""")

_Part = tuple[str, list[int | bytes]]
"""A user, and times and members in turn."""


class RedisEventBuffer:
    """The buffer as an `EventBuffer`; the workers append, the refresher reads."""

    def __init__(
        self, client: Client, *, window_ms: int, max_events: int, model_ttl_s: int
    ) -> None:
        """Bound a user's events by age and number.

        The revision outlives the events by a model's life, so that a model of
        an earlier life of the buffer is never the newer one.
        """
        self._client = client
        self._users_a_call = 1 if isinstance(client, RedisCluster) else _USERS_A_CALL
        self._window_ms = window_ms
        self._max_events = max_events
        self._revision_ttl_ms = window_ms + 2 * model_ttl_s * 1000

    async def append(self, events: Sequence[InteractionEvent], *, now_ms: int) -> frozenset[str]:
        """Store events; returns the users whose buffer changed."""
        parts = list(self._parts(events, now_ms))
        groups = [
            parts[start : start + self._users_a_call]
            for start in range(0, len(parts), self._users_a_call)
        ]
        bounds = (
            now_ms,
            now_ms - self._window_ms,
            self._max_events,
            self._window_ms,
            self._revision_ttl_ms,
        )
        with driver_errors("appending events"):
            found = await run_script(
                self._client, _APPEND, [_call(group, bounds) for group in groups]
            )
        changed = chain.from_iterable(found)
        return frozenset(user for (user, _), count in zip(parts, changed, strict=True) if count)

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:
        """Begin to refresh each of the ids."""
        ids = list(dict.fromkeys(user_ids))
        calls = [Call((revision_key(one),), (now_ms, self._revision_ttl_ms)) for one in ids]
        with driver_errors("beginning a refresh"):
            found = await run_script(self._client, _BEGIN, calls)
        return [each_alone(one, int(text)) for one, text in zip(ids, found, strict=True)]

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """The events of each user from `since_ms` on, oldest first."""
        with driver_errors("fetching events"):
            async with self._client.pipeline(transaction=False) as pipe:
                for user_id in user_ids:
                    # The revision first: events that come between belong to a later one.
                    pipe.get(revision_key(user_id))
                    pipe.zrange(
                        events_key(user_id), since_ms, "+inf", byscore=True, withscores=True
                    )
                found = await pipe.execute()
        return [
            EventWindow(
                user_id=user_id,
                revision=int(revision or 0),
                events=tuple(
                    decode_member(member, user_id=user_id, ts_ms=int(score))
                    for member, score in members
                ),
            )
            for user_id, revision, members in zip(user_ids, found[::2], found[1::2], strict=True)
        ]

    async def latest_ms(self, user_ids: Sequence[str]) -> Sequence[int | None]:
        """The time of each user's newest event, None for who has none."""
        with driver_errors("looking at events"):
            async with self._client.pipeline(transaction=False) as pipe:
                for user_id in user_ids:
                    pipe.zrange(events_key(user_id), -1, -1, withscores=True)
                found: list[list[tuple[bytes, float]]] = await pipe.execute()
        return [int(newest[0][1]) if newest else None for newest in found]

    async def user_ids(self) -> AsyncIterator[str]:
        """Everybody with buffered events, in no order; one of them may come twice."""
        with driver_errors("listing the users"):
            keys = self._client.scan_iter(match=f"{_ALL_EVENTS}*", count=_KEYS_A_SCAN)
            async for key in keys:
                yield user_of(key.decode())

    async def forget(self, user_ids: Sequence[str], *, until_ms: int | None = None) -> int:
        """Remove the users' events up to that moment, None: all and the revision; how many."""
        until = "" if until_ms is None else until_ms
        calls = [
            Call((events_key(one), revision_key(one)), (until,)) for one in dict.fromkeys(user_ids)
        ]
        with driver_errors("forgetting events"):
            return sum(await run_script(self._client, _FORGET, calls))

    def _parts(self, events: Sequence[InteractionEvent], now_ms: int) -> Iterator[_Part]:
        by_user: dict[str, list[int | bytes]] = {}
        since_ms = now_ms - self._window_ms
        for event in events:
            if event.ts_ms >= since_ms:
                by_user.setdefault(event.user_id, []).extend((event.ts_ms, encode_member(event)))
        for user_id, scored in by_user.items():
            for start in range(0, len(scored), 2 * _EVENTS_A_CALL):
                yield user_id, scored[start : start + 2 * _EVENTS_A_CALL]


def _call(group: Sequence[_Part], bounds: Sequence[int]) -> Call:
    keys: list[str] = []
    args: list[int | bytes] = [*bounds]
    for user_id, scored in group:
        keys += (events_key(user_id), revision_key(user_id))
        args.append(len(scored) // 2)
        args += scored
    return Call(keys, args)
