"""The durable queue of raw request bodies: a Redis Stream a shard, one entry a request."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError
from redis.typing import EncodableT

from adapters.redis.connection import driver_errors
from adapters.redis.keys import DEAD_LETTERS, stream_key
from core.errors import RetryableError
from core.ports import DeadLetter, RawBatch

BODY_FIELD = b"__data__"
"""The field in which FastStream looks for a message."""
_CALL_FIELD = b"call"
GROUP = "ingest"

Fields = dict[EncodableT, EncodableT]


def raw_batch(entry_id: bytes, fields: Mapping[bytes, bytes]) -> RawBatch:
    """The stream entry as the batch it holds; its id says when it was stored."""
    text = entry_id.decode()
    call = fields.get(_CALL_FIELD)
    return RawBatch(
        entry_id=text,
        body=fields.get(BODY_FIELD, b""),
        received_ms=int(text.partition("-")[0]),
        call_type=call.decode() if call else None,
    )


class RedisRawBatchStream:
    """Stores the bodies of concurrent requests in one pipeline (group commit).

    `run` must be running: it takes what waits, stores it and answers all of it,
    while the next requests gather behind. One round trip serves many requests.
    """

    def __init__(self, client: Redis, *, shards: int) -> None:
        """Keep the client; the shards take turns."""
        self._client = client
        self._shards = shards
        self._waiting: list[tuple[Fields, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._closing = False

    async def enqueue(self, body: bytes, *, call_type: str | None) -> None:
        """Return once Redis has confirmed the entry.

        Raises: RetryableError if it has not.
        """
        fields: Fields = {BODY_FIELD: body}
        if call_type is not None:
            fields[_CALL_FIELD] = call_type.encode()
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((fields, stored))
        self._wake.set()
        await stored

    async def ping(self) -> None:
        """Raise RetryableError unless Redis answers."""
        with driver_errors("asking whether it is there"):
            await self._client.ping()

    def close(self) -> None:
        """Let `run` end once everything that waits is stored."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Store what waits, until closed."""
        turn = 0
        while self._waiting or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            turn = (turn + 1) % self._shards
            await self._store(stream_key(turn), waiting)

    async def _store(
        self, key: str, waiting: Sequence[tuple[Fields, asyncio.Future[None]]]
    ) -> None:
        try:
            with driver_errors("storing a request"):
                async with self._client.pipeline(transaction=False) as pipe:
                    for fields, _ in waiting:
                        pipe.xadd(key, fields)
                    results = await pipe.execute(raise_on_error=False)
        except Exception as exc:  # whatever it is, nobody may wait for ever, nor the next in vain
            results = [exc] * len(waiting)
        for (_, stored), result in zip(waiting, results, strict=True):
            if stored.done():  # the request gave up waiting
                continue
            if isinstance(result, Exception):
                stored.set_exception(RetryableError(f"Redis did not store the request: {result}"))
            else:
                stored.set_result(None)


class RedisPendingBatches:
    """What was delivered and never acknowledged, and what may be trimmed, of one shard."""

    def __init__(self, client: Redis, *, shard: int, consumer: str) -> None:
        """Read as `consumer` of the group that the workers share."""
        self._client = client
        self._key = stream_key(shard)
        self._consumer = consumer
        self._cursor: Any = "0-0"

    async def ensure_group(self) -> None:
        """Create the group at the very beginning of the stream, where it is not there."""
        with driver_errors("creating the consumer group"):
            try:
                await self._client.xgroup_create(self._key, GROUP, id="0", mkstream=True)
            except ResponseError as exc:
                if "BUSYGROUP" not in str(exc):
                    raise

    async def claim(self, *, idle_ms: int, limit: int) -> Sequence[RawBatch]:
        """Take over up to `limit` entries that no consumer has finished for `idle_ms`."""
        with driver_errors("claiming stale entries"):
            self._cursor, entries, *_ = await self._client.xautoclaim(
                self._key,
                GROUP,
                self._consumer,
                min_idle_time=idle_ms,
                start_id=self._cursor,
                count=limit,
            )
        return [raw_batch(entry_id, fields) for entry_id, fields in entries if fields]

    async def acknowledge(self, batches: Sequence[RawBatch]) -> None:
        """Mark entries as done."""
        if batches:
            with driver_errors("acknowledging entries"):
                await self._client.xack(self._key, GROUP, *(batch.entry_id for batch in batches))

    async def trim(self) -> None:
        """Drop the entries that every consumer is done with; never one that is not."""
        with driver_errors("trimming the stream"):
            # In this order: what was delivered by then is pending afterwards, or done.
            groups = await self._client.xinfo_groups(self._key)
            pending = await self._client.xpending(self._key, GROUP)
            keep_from = next(g["last-delivered-id"] for g in groups if _name(g) == GROUP)
            if pending["pending"]:
                keep_from = min(keep_from, pending["min"], key=_entry_order)
            await self._client.xtrim(self._key, minid=keep_from, approximate=True)


def _entry_order(entry_id: bytes) -> tuple[int, ...]:
    return tuple(map(int, entry_id.split(b"-")))


def _name(group: Mapping[str, Any]) -> str:
    name = group["name"]
    return name.decode() if isinstance(name, bytes) else str(name)


class RedisDeadLetters:
    """Rejected events in a bounded stream, newest kept."""

    def __init__(self, client: Redis, *, max_letters: int) -> None:
        """Keep about `max_letters`."""
        self._client = client
        self._max_letters = max_letters

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store them, the oldest giving way past the bound."""
        if not letters:
            return
        with driver_errors("storing dead letters"):
            async with self._client.pipeline(transaction=False) as pipe:
                for letter in letters:
                    fields: Fields = {
                        "reason": letter.reason,
                        "entry_id": letter.entry_id,
                        "message_id": letter.message_id or "",
                        "body": letter.body,
                    }
                    pipe.xadd(DEAD_LETTERS, fields, maxlen=self._max_letters, approximate=True)
                await pipe.execute()
