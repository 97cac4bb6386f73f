"""The durable queue of raw request bodies: a Redis Stream a shard, one entry a request."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from redis.typing import EncodableT

from adapters.redis.connection import Client, driver_errors, store_on_replicas
from adapters.redis.keys import stream_key
from adapters.redis.shard_states import shard_states
from core.errors import RetryableError
from core.queues import RawBatch, ShardState

BODY_FIELD = b"__data__"
"""The field in which FastStream looks for a message."""
_CALL_FIELD = b"call"
_RECEIVED_FIELD = b"received"

Fields = dict[EncodableT, EncodableT]


def raw_batch(entry_id: bytes, fields: Mapping[bytes, bytes], shard: int = 0) -> RawBatch:
    """The stream entry as the batch it holds; its id says when it was stored."""
    text = entry_id.decode()
    call = fields.get(_CALL_FIELD)
    stored_ms = int(text.partition("-")[0])
    return RawBatch(
        entry_id=text,
        shard=shard,
        body=fields.get(BODY_FIELD, b""),
        stored_ms=stored_ms,
        received_ms=int(fields.get(_RECEIVED_FIELD, stored_ms)),
        call_type=call.decode() if call else None,
    )


def entry_fields(body: bytes, call_type: str | None, received_ms: int | None) -> Fields:
    """What `raw_batch` reads."""
    fields: Fields = {BODY_FIELD: body}
    if call_type is not None:
        fields[_CALL_FIELD] = call_type.encode()
    if received_ms is not None:
        fields[_RECEIVED_FIELD] = received_ms
    return fields


class RedisRawBatchStream:
    """Stores the bodies of concurrent requests in one pipeline (group commit).

    `run` must be running: it takes what waits, stores it and answers all of it,
    while the next requests gather behind. One round trip serves many requests.
    """

    def __init__(
        self, client: Client, *, shards: int, wait_replicas: int = 0, wait_ms: int = 1000
    ) -> None:
        """Keep the client; the shards take turns.

        `wait_replicas`: a body counts as stored once so many replicas have it;
        without, a failover may lose what the new master had not received.
        """
        self._client = client
        self._shards = shards
        self._wait_replicas = wait_replicas
        self._wait_ms = wait_ms
        self._waiting: list[tuple[Fields, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._closing = False

    async def enqueue(
        self, body: bytes, *, call_type: str | None, received_ms: int | None = None
    ) -> None:
        """Return once Redis has confirmed the entry.

        Raises: RetryableError if it has not.
        """
        fields = entry_fields(body, call_type, received_ms)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((fields, stored))
        self._wake.set()
        await stored

    async def ping(self) -> None:
        """Raise RetryableError unless Redis answers."""
        with driver_errors("asking whether it is there"):
            await self._client.ping()

    async def shards(self) -> Sequence[ShardState]:
        """What is undelivered or unacknowledged, shard by shard."""
        with driver_errors("looking at the stream"):
            return await shard_states(self._client, range(self._shards))

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
            # Not what its sender has given up on meanwhile: it comes again.
            waiting = [one for one in self._waiting if not one[1].done()]
            self._waiting = []
            if not waiting:
                continue
            turn = (turn + 1) % self._shards
            await self._store(stream_key(turn), waiting)

    async def _store(
        self, key: str, waiting: Sequence[tuple[Fields, asyncio.Future[None]]]
    ) -> None:
        try:
            with driver_errors("storing a request"):
                results = await self._add(key, [fields for fields, _ in waiting])
        except Exception as exc:  # whatever it is, nobody may wait for ever, nor the next in vain
            results = [exc] * len(waiting)
        for (_, stored), result in zip(waiting, results, strict=True):
            if stored.done():  # the request gave up waiting
                continue
            if isinstance(result, Exception):
                stored.set_exception(RetryableError(f"Redis did not store the request: {result}"))
            else:
                stored.set_result(None)

    async def _add(self, key: str, entries: Sequence[Fields]) -> list[Any]:
        """Add the entries; what became of each, in their order."""
        if self._wait_replicas:
            adds = [
                ("XADD", key, "*", *(part for pair in entry.items() for part in pair))
                for entry in entries
            ]
            return await store_on_replicas(
                self._client, key, adds, replicas=self._wait_replicas, wait_ms=self._wait_ms
            )
        async with self._client.pipeline(transaction=False) as pipe:
            for entry in entries:
                pipe.xadd(key, entry)
            found: list[Any] = await pipe.execute(raise_on_error=False)
            return found
