"""What the shards of the stream hold, as Redis tells it."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.redis.connection import Client
from adapters.redis.keys import GROUP, stream_key
from core.errors import RetryableError
from core.queues import ShardState

_QUESTIONS = 4


async def shard_states(client: Client, shards: Sequence[int]) -> Sequence[ShardState]:
    """One state a shard; of a shard without a group nothing is processed."""
    async with client.pipeline(transaction=False) as pipe:
        for shard in shards:
            key = stream_key(shard)
            pipe.xlen(key)
            pipe.memory_usage(key)
            pipe.xinfo_groups(key)
            pipe.xpending(key, GROUP)
        found: list[Any] = await pipe.execute(raise_on_error=False)
    answers = [found[start : start + _QUESTIONS] for start in range(0, len(found), _QUESTIONS)]
    groups = [_group(answer[2]) for answer in answers]
    unread = await _first_after(
        client,
        {
            stream_key(shard): group["last-delivered-id"] if group else b"-"
            for shard, group in zip(shards, groups, strict=True)
        },
    )
    return [
        _state(shard, answer, group, unread[stream_key(shard)])
        for shard, answer, group in zip(shards, answers, groups, strict=True)
    ]


def _state(
    shard: int, answer: Sequence[Any], group: Mapping[str, Any] | None, unread: bytes | None
) -> ShardState:
    length, memory, _, pending = answer
    if isinstance(length, Exception):
        raise RetryableError(f"Redis does not tell the length of a stream: {length}")
    lag, held = length, 0
    if group is not None:
        # The server does not know its lag after entries inside were deleted.
        lag, held = group["lag"], group["pending"]
        lag = max(length - held, 0) if lag is None else lag
    oldest = pending["min"] if isinstance(pending, dict) and pending["pending"] else unread
    used = memory if isinstance(memory, int) else 0
    return ShardState(
        shard=shard,
        lag=lag,
        pending=held,
        oldest_ms=int(oldest.partition(b"-")[0]) if oldest else None,
        bytes=min(used, used * (lag + held) // length) if length else 0,
        consumers=group["consumers"] if group else 0,
    )


def _group(groups: Any) -> Mapping[str, Any] | None:
    found = groups if isinstance(groups, list) else []
    return next((group for group in found if group["name"] == GROUP.encode()), None)


async def _first_after(client: Client, last_read: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """The id of the first entry after the given one of each stream."""
    async with client.pipeline(transaction=False) as pipe:
        for key, entry_id in last_read.items():
            pipe.xrange(key, b"-" if entry_id == b"-" else b"(" + entry_id, count=1)
        found: list[Any] = await pipe.execute(raise_on_error=False)
    firsts = (entries[0][0] if isinstance(entries, list) and entries else None for entries in found)
    return dict(zip(last_read, firsts, strict=True))
