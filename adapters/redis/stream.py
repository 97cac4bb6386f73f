"""The durable queue of raw request bodies: a Redis Stream a shard, one entry a request."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.typing import EncodableT

from adapters.redis.connection import driver_errors
from adapters.redis.keys import stream_key
from core.errors import RetryableError
from core.ports import Backlog, RawBatch

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


def _shard_backlog(length: Any, memory: Any, groups: Any) -> Backlog:
    """One shard's backlog; without a group nothing of it is processed."""
    if isinstance(length, Exception):
        raise RetryableError(f"Redis does not tell the length of a stream: {length}")
    waiting = length
    if isinstance(groups, list):
        for group in groups:
            if group["name"] == GROUP.encode() and group["lag"] is not None:
                waiting = group["lag"] + group["pending"]
    used = memory if isinstance(memory, int) else 0
    return Backlog(entries=waiting, bytes=used * waiting // length if length else 0)


def _require_replicas(reached: Any, wanted: int) -> None:
    if not isinstance(reached, int) or reached < wanted:
        raise RetryableError(f"{reached} of {wanted} replicas have the request")


class RedisRawBatchStream:
    """Stores the bodies of concurrent requests in one pipeline (group commit).

    `run` must be running: it takes what waits, stores it and answers all of it,
    while the next requests gather behind. One round trip serves many requests.
    """

    def __init__(
        self, client: Redis, *, shards: int, wait_replicas: int = 0, wait_ms: int = 1000
    ) -> None:
        """Keep the client; the shards take turns.

        `wait_replicas`: a body counts as stored once so many replicas have it;
        without, a failover may lose what the new master had not received.
        """
        self._client = client
        self._shards = shards
        self._wait = (wait_replicas, wait_ms)
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

    async def backlog(self) -> Backlog:
        """Entries undelivered or unacknowledged, and their share of the streams' memory."""
        with driver_errors("looking at the backlog"):
            async with self._client.pipeline(transaction=False) as pipe:
                for shard in range(self._shards):
                    pipe.xlen(stream_key(shard))
                    pipe.memory_usage(stream_key(shard))
                    pipe.xinfo_groups(stream_key(shard))
                found: list[Any] = await pipe.execute(raise_on_error=False)
        shards = [
            _shard_backlog(length, memory, groups)
            for length, memory, groups in zip(found[::3], found[1::3], found[2::3], strict=True)
        ]
        return Backlog(
            entries=sum(shard.entries for shard in shards),
            bytes=sum(shard.bytes for shard in shards),
        )

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
                    if self._wait[0]:
                        pipe.wait(*self._wait)
                    results = await pipe.execute(raise_on_error=False)
                    if self._wait[0]:
                        _require_replicas(results.pop(), self._wait[0])
        except Exception as exc:  # whatever it is, nobody may wait for ever, nor the next in vain
            results = [exc] * len(waiting)
        for (_, stored), result in zip(waiting, results, strict=True):
            if stored.done():  # the request gave up waiting
                continue
            if isinstance(result, Exception):
                stored.set_exception(RetryableError(f"Redis did not store the request: {result}"))
            else:
                stored.set_result(None)
