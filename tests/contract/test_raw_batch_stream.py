"""What every `RawBatchStream` holds: what was answered is stored, once and byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from adapters.memory.stream import InMemoryRawBatchStream
from adapters.redis.connection import Client
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import RedisRawBatchStream, raw_batch
from core.errors import RetryableError
from core.queues import RawBatch, RawBatchStream
from tests.build import NOW_MS

MAX_ENTRIES = 1000


class Opened(msgspec.Struct, frozen=True):
    """A stream, and a way to see what lies in it."""

    stream: RawBatchStream
    stored: Callable[[], Awaitable[Sequence[RawBatch]]]


def clock_ms() -> int:
    return NOW_MS


async def entries(client: Client, shard: int) -> list[RawBatch]:
    found: Any = await client.xrange(stream_key(shard))
    return [raw_batch(entry_id, fields) for entry_id, fields in found]


@asynccontextmanager
async def storing(client: Client) -> AsyncIterator[RedisRawBatchStream]:
    """A stream of one shard that stores what waits."""
    stream = RedisRawBatchStream(client, shards=1)
    task = asyncio.create_task(stream.run())
    yield stream
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def running(client: Client) -> AsyncIterator[RedisRawBatchStream]:
    """Over one server, then over the cluster."""
    async with storing(client) as stream:
        yield stream


class TestRawBatchStream:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def chosen(self, request: pytest.FixtureRequest) -> Client | None:
        if request.param == "memory":
            return None
        found: Client = request.getfixturevalue(f"{request.param}_client")
        return found

    @pytest.fixture
    async def opened(self, chosen: Client | None) -> AsyncIterator[Opened]:
        if chosen is None:
            memory = InMemoryRawBatchStream(max_entries=MAX_ENTRIES, clock_ms=clock_ms)
            yield Opened(memory, lambda: memory.read(limit=MAX_ENTRIES))
            return
        async with storing(chosen) as stream:
            yield Opened(stream, lambda: entries(chosen, 0))

    @pytest.mark.parametrize(
        "body",
        [b'{"type": "track"}', b"", bytes(range(256)), b"\r\n$5\r\n\x00", "Zoë 😀".encode()],
        ids=["json", "empty", "every-byte", "protocol", "unicode"],
    )
    @pytest.mark.parametrize("call_type", [None, "batch", "identify"])
    async def test_body_and_call_type_come_back(
        self, opened: Opened, body: bytes, call_type: str | None
    ) -> None:
        await opened.stream.enqueue(body, call_type=call_type)
        [batch] = await opened.stored()
        assert (batch.body, batch.call_type) == (body, call_type)

    async def test_a_large_body_is_stored_whole(self, opened: Opened) -> None:
        body = bytes(range(256)) * 16_384  # 4 MiB
        await opened.stream.enqueue(body, call_type="batch")
        [batch] = await opened.stored()
        assert batch.body == body

    async def test_many_at_once_are_stored_exactly_once(self, opened: Opened) -> None:
        bodies = [b"body %03d" % number for number in range(200)]
        await asyncio.gather(*(opened.stream.enqueue(body, call_type=None) for body in bodies))
        stored = await opened.stored()
        assert sorted(batch.body for batch in stored) == bodies
        assert len({batch.entry_id for batch in stored}) == len(bodies)

    async def test_equal_bodies_are_two_batches(self, opened: Opened) -> None:
        # Whether they are one event is not the stream's to know.
        await opened.stream.enqueue(b"same", call_type=None)
        await opened.stream.enqueue(b"same", call_type=None)
        assert [batch.body for batch in await opened.stored()] == [b"same", b"same"]

    async def test_bodies_keep_the_order_of_their_requests(self, opened: Opened) -> None:
        for number in range(20):
            await opened.stream.enqueue(b"%d" % number, call_type=None)
        assert [int(batch.body) for batch in await opened.stored()] == list(range(20))

    async def test_who_gives_up_waiting_takes_nobody_along(self, opened: Opened) -> None:
        impatient = asyncio.create_task(opened.stream.enqueue(b"impatient", call_type=None))
        patient = asyncio.create_task(opened.stream.enqueue(b"patient", call_type=None))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        await asyncio.wait([impatient])
        await opened.stream.enqueue(b"next", call_type=None)
        assert [batch.body for batch in await opened.stored()][-2:] == [b"patient", b"next"]

    async def test_the_shards_tell_what_nobody_has_processed(self, opened: Opened) -> None:
        [before] = await opened.stream.shards()
        assert (before.lag, before.pending, before.oldest_ms) == (0, 0, None)
        for number in range(3):
            await opened.stream.enqueue(b"%d" % number * 1000, call_type=None)
        [after] = await opened.stream.shards()
        assert (after.lag, after.pending) == (3, 0)
        assert after.bytes >= 3000
        assert after.oldest_ms is not None

    async def test_a_body_that_is_sent_again_keeps_when_it_was_first_received(
        self, opened: Opened
    ) -> None:
        await opened.stream.enqueue(b"first", call_type=None)
        await opened.stream.enqueue(b"again", call_type="track", received_ms=123)
        [first, again] = await opened.stored()
        assert first.received_ms == first.stored_ms > 123
        assert again.received_ms == 123
        assert again.stored_ms >= first.stored_ms, "the wait counts from when it was stored"
        assert (again.body, again.call_type) == (b"again", "track")

    async def test_a_ping_is_answered(self, opened: Opened) -> None:
        await opened.stream.ping()


class TestInMemoryRawBatchStream:
    @pytest.fixture
    def stream(self) -> InMemoryRawBatchStream:
        return InMemoryRawBatchStream(max_entries=2, clock_ms=clock_ms)

    async def test_a_full_stream_says_try_later(self, stream: InMemoryRawBatchStream) -> None:
        await stream.enqueue(b"1", call_type=None)
        await stream.enqueue(b"2", call_type=None)
        with pytest.raises(RetryableError, match="2 unread bodies"):
            await stream.enqueue(b"3", call_type=None)
        assert [batch.body for batch in await stream.read(limit=1)] == [b"1"]
        await stream.enqueue(b"3", call_type=None)
        assert [batch.body for batch in await stream.read(limit=9)] == [b"2", b"3"]

    async def test_the_clock_says_when_a_body_came(self, stream: InMemoryRawBatchStream) -> None:
        await stream.enqueue(b"1", call_type=None)
        [batch] = await stream.read(limit=9)
        assert batch.received_ms == NOW_MS

    async def test_a_reader_waits_for_a_body(self, stream: InMemoryRawBatchStream) -> None:
        reading = asyncio.create_task(stream.read(limit=9))
        await asyncio.sleep(0)
        assert not reading.done()
        await stream.enqueue(b"1", call_type=None)
        assert [batch.body for batch in await reading] == [b"1"]


class TestRedisRawBatchStream:
    async def test_the_backlog_ends_with_the_acknowledgement(
        self, client: Client, running: RedisRawBatchStream
    ) -> None:
        pending = RedisPendingBatches(client, shard=0, consumer="worker")
        await pending.ensure_group()
        for number in range(4):
            await running.enqueue(b"%d" % number, call_type=None)
        await client.xreadgroup(GROUP, "worker", {stream_key(0): ">"}, count=3)
        [state] = await running.shards()
        assert (state.lag, state.pending, state.consumers) == (1, 3, 1)
        stale = await pending.stale(idle_ms=0, limit=10)
        claimed = await pending.take([one.entry_id for one in stale], idle_ms=0)
        await pending.acknowledge(claimed)
        [state] = await running.shards()
        assert (state.lag, state.pending) == (1, 0)
        [*_, last] = await entries(client, 0)
        assert state.oldest_ms == last.stored_ms

    async def test_the_server_says_when_a_body_came(
        self, client: Client, running: RedisRawBatchStream
    ) -> None:
        before_s, before_us = await client.time()
        await running.enqueue(b"1", call_type=None)
        after_s, after_us = await client.time()
        [batch] = await entries(client, 0)
        assert before_s * 1000 + before_us // 1000 <= batch.received_ms
        assert batch.received_ms <= after_s * 1000 + after_us // 1000

    async def test_the_shards_take_turns(self, client: Client) -> None:
        stream = RedisRawBatchStream(client, shards=3)
        running = asyncio.create_task(stream.run())
        for _ in range(6):
            await stream.enqueue(b"body", call_type=None)
        running.cancel()
        assert [len(await entries(client, shard)) for shard in range(3)] == [2, 2, 2]
