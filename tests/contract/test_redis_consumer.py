"""What a reader of the stream holds when its group goes: nothing stored is passed over."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from faststream.redis import StreamSub
from redis.asyncio import Redis

from adapters.redis.keys import stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import BODY_FIELD, GROUP, raw_batch
from core.ports import RawBatch
from ingest_worker.consumer import StreamConsumer, make_broker, start_broker

KEY = stream_key(0)
WITHIN_S = 10


async def eventually(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not look():  # noqa: ASYNC110 - FastStream tells nobody
            await asyncio.sleep(0.01)


class Reading:
    """A reader, what it has read, and what its keeper would do."""

    def __init__(self, client: Redis, url: str) -> None:
        self.client = client
        self.pending = RedisPendingBatches(client, shard=0, consumer="reader")
        self.broker = make_broker(url, timeout_s=1)
        self.read: list[bytes] = []
        stream = StreamSub(
            KEY, group=GROUP, consumer="reader", batch=True, max_records=10, polling_interval=20
        )
        self.consumer = StreamConsumer(
            self.broker, stream=stream, decode=raw_batch, handle=self.handle
        )

    async def handle(self, batches: Sequence[RawBatch]) -> None:
        self.read += [batch.body for batch in batches]

    async def store(self, *bodies: bytes) -> None:
        for body in bodies:
            await self.client.xadd(KEY, {BODY_FIELD: body})

    async def lose_a_group_just_made(self) -> None:
        await self.pending.ensure_group()
        await self.client.xgroup_destroy(KEY, GROUP)

    async def until_read(self, *bodies: bytes) -> None:
        await eventually(lambda: set(bodies) <= set(self.read))


@pytest.fixture
async def reading(client: Redis, redis_url: str) -> AsyncIterator[Reading]:
    reading = Reading(client, redis_url)
    yield reading
    await reading.broker.stop()


async def test_a_group_lost_before_the_first_read_costs_nothing(reading: Reading) -> None:
    await reading.store(b"1", b"2")
    await reading.lose_a_group_just_made()
    await start_broker(reading.broker)
    await reading.until_read(b"1", b"2")


async def test_a_group_lost_before_a_revival_costs_nothing(reading: Reading) -> None:
    await reading.pending.ensure_group()
    await reading.store(b"1")
    await reading.client.xreadgroup(GROUP, "a dead one", {KEY: ">"})
    await start_broker(reading.broker)
    await reading.store(b"2")
    await reading.until_read(b"2")
    await reading.client.xgroup_destroy(KEY, GROUP)
    await eventually(lambda: not reading.consumer._subscriber.running)
    await reading.store(b"3")
    await reading.lose_a_group_just_made()
    await reading.consumer.revive()
    await reading.until_read(b"1", b"2", b"3")
