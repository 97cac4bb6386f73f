"""What lies in Redis: when it has come to rest, and what is there then."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from time import monotonic, time
from typing import Any

import msgspec
from redis.exceptions import RedisError

from adapters.redis.connection import Client
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.keys import GROUP, events_key, model_key, queue_key, stream_key
from adapters.redis.traces import RedisTraces
from adapters.redis.user_models import RedisUserModelStore
from core.events import InteractionEvent
from core.identity.node import NOBODY, Claim, IdentityConfig, Node
from core.ports import Begun, EventWindow
from core.signals import UserSignals
from tests.chaos.ledger import WINDOW_MS, Letter
from tests.chaos.stack import SHARDS

_SOON_MS = 3_000
"""Longer than any burst is gathered. Later refreshes are booked: half a model's life ahead, or
at the end of a shared device's session."""
_LOOK_EVERY_S = 0.1
_MOST_LETTERS = 1_000_000
_USERS_AT_ONCE = 200


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has left, and keys of users that nobody ever sent anything of."""

    nodes: Mapping[str, Node]
    buffers: Mapping[str, tuple[InteractionEvent, ...]]
    models: Mapping[str, UserSignals]
    letters: frozenset[Letter]
    unknown_keys: tuple[str, ...] = ()
    resurrected: tuple[str, ...] = ()
    """What is left of who was erased."""


class FoundEvents:
    """What was found, as a source of events and links that models can be built from."""

    def __init__(self, found: Found) -> None:
        """Keep it."""
        self._found = found

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:
        """Nothing is refreshed here."""
        raise NotImplementedError(f"{user_ids} at {now_ms}")

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """Those found under each id."""
        return [
            EventWindow(
                user_id=user,
                revision=0,
                events=tuple(
                    one for one in self._found.buffers.get(user, ()) if one.ts_ms >= since_ms
                ),
            )
            for user in user_ids
        ]

    async def add(self, claims: Sequence[Claim]) -> Mapping[str, Node]:
        """Nothing is said here."""
        raise NotImplementedError(str(claims))

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Node]:
        """What was found of each id."""
        return {user: self._found.nodes.get(user, NOBODY) for user in user_ids}

    async def forget(self, user_ids: Sequence[str]) -> int:
        """Nothing is forgotten here."""
        raise NotImplementedError(str(user_ids))


async def has_come_to_rest(client: Client, *, within_s: float) -> bool:
    """Wait until nothing is unread, pending or due; whether it came to that in time."""
    return await _within(within_s, lambda: _is_at_rest(client))


async def find(client: Client, user_ids: Iterable[str], erased: Collection[str] = ()) -> Found:
    """Read everything there is, through the adapters that the product reads with."""
    users = sorted(user_ids)
    buffer = RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=1, model_ttl_s=1)
    buffers = {}
    for start in range(0, len(users), _USERS_AT_ONCE):
        part = users[start : start + _USERS_AT_ONCE]
        for window in await buffer.fetch_events(part, since_ms=0):
            buffers[window.user_id] = window.events
    models = RedisUserModelStore(client, ttl_s=1)
    letters = RedisDeadLetters(client, max_letters=1, max_bytes=1)
    return Found(
        nodes=await RedisIdentityGraph(client, IdentityConfig()).look(users),
        buffers=buffers,
        models={
            user: model for user in users if (model := await models.get_signals(user)) is not None
        },
        letters=frozenset(
            Letter(one.letter.reason, one.letter.message_id or "", one.letter.body)
            for one in await letters.latest(limit=_MOST_LETTERS)
        ),
        unknown_keys=tuple(await _unknown_keys(client, users)),
        resurrected=tuple(await _resurrected(client, erased)),
    )


async def _resurrected(client: Client, erased: Collection[str]) -> list[str]:
    """Every trace of the ids, looked for as `ai-engine erase --verify` does."""
    traces = RedisTraces(client)
    keys = [key async for key in traces.keys()]  # noqa: SIM118 - no mapping
    return [
        f"{trace.key} {trace.where} of {', '.join(trace.ids)}"
        for key in keys
        async for trace in traces.find(key, erased)
    ]


async def _unknown_keys(client: Client, users: Iterable[str]) -> list[str]:
    known = {make(user) for user in users for make in (events_key, model_key)}
    keys = [
        key.decode()
        for pattern in (events_key("*"), model_key("*"))
        async for key in client.scan_iter(pattern, count=1000)
    ]
    return sorted(key for key in keys if key not in known)


async def _is_at_rest(client: Client) -> bool:
    for shard in range(SHARDS):
        key = stream_key(shard)
        groups: Any = await client.xinfo_groups(key)
        [read_to] = [one["last-delivered-id"] for one in groups if one["name"] == GROUP.encode()]
        if (await client.xpending(key, GROUP))["pending"]:
            return False
        if await client.xrange(key, min=b"(" + read_to, count=1):
            return False
        if await client.zcount(queue_key("due", shard), "-inf", time() * 1000 + _SOON_MS):
            return False
        if await client.exists(queue_key("inflight", shard), queue_key("held", shard)):
            return False
    return True


async def _within(seconds: float, look: Callable[[], Awaitable[bool]]) -> bool:
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        try:
            if await look():
                return True
        except (RedisError, OSError, ValueError):
            pass  # the server or a group is not yet back
        await asyncio.sleep(_LOOK_EVERY_S)
    return False
