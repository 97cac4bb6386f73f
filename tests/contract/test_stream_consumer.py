"""The FastStream consumer on a real server: what it hands on, tries again, and outlives."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faststream.redis import StreamSub
from prometheus_client import CollectorRegistry

from adapters.redis.connection import Client
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import BODY_FIELD, raw_batch
from core.errors import RetryableError
from core.queues import RawBatch
from deploy.valkey import Valkey
from ingest_worker.consumer import Patience, StreamConsumer, make_broker, start_broker
from ingest_worker.metrics import StreamGauges, WorkerMetrics

KEY = stream_key(0)
WITHIN_S = 20
PATIENT = Patience(retry_s=10, pause_s=0.01, silent_s=10)
SHORT = Patience(retry_s=10, pause_s=0.01, silent_s=0.3)


class Reading:
    """A consumer, and what reached its handler."""

    def __init__(self, url: str, patience: Patience) -> None:
        self.handled: list[RawBatch] = []
        self.failures: list[Exception] = []
        self.hangs = False
        self.beats = 0
        self.registry = CollectorRegistry()
        self.broker = make_broker(url, cluster=False, timeout_s=1)
        # What is in hand is waited for, by default for a quarter of a minute.
        self.broker.config.broker_config.graceful_timeout = 0.1
        self.consumer = StreamConsumer(
            self.broker,
            stream=StreamSub(
                KEY, group=GROUP, consumer="c", batch=True, max_records=10, polling_interval=20
            ),
            decode=raw_batch,
            handle=self.handle,
            patience=patience,
            metrics=WorkerMetrics(self.registry, StreamGauges(self.registry)),
            beat=self.beat,
        )

    def beat(self) -> None:
        self.beats += 1

    async def handle(self, batches: Sequence[RawBatch]) -> None:
        """Hang while told to, fail as long as there are failures."""
        while self.hangs:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        if self.failures:
            raise self.failures.pop(0)
        self.handled += batches

    def bodies(self) -> list[bytes]:
        return [batch.body for batch in self.handled]

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"ai_engine_{name}_total", labels)

    async def end_from_outside(self) -> None:
        """Cancel the reader's task, which nobody restarts."""
        [task] = self.consumer._subscriber.tasks
        while not task.done():  # the driver swallows a cancellation while it handles a reply
            task.cancel()
            await asyncio.sleep(0.01)


Read = Callable[[Patience], Awaitable[Reading]]


@pytest.fixture
async def read(own_server: Valkey, own_client: Client) -> AsyncIterator[Read]:
    """Starts a consumer of a shard that has its group."""
    started: list[Reading] = []
    await RedisPendingBatches(own_client, shard=0, consumer="c").ensure_group()

    async def start(patience: Patience) -> Reading:
        reading = Reading(own_server.url, patience)
        started.append(reading)
        await start_broker(reading.broker)
        return reading

    yield start
    for reading in started:
        await reading.broker.stop()


@asynccontextmanager
async def soon() -> AsyncIterator[None]:
    async with asyncio.timeout(WITHIN_S):
        yield


async def until(true: Callable[[], Any]) -> None:
    async with soon():
        while not true():  # noqa: ASYNC110 - what it waits for sets no event
            await asyncio.sleep(0.01)


async def add(client: Client, *bodies: bytes) -> None:
    for body in bodies:
        await client.xadd(KEY, {BODY_FIELD: body})


async def until_pending(client: Client, count: int) -> None:
    """Until so many entries are delivered and not acknowledged."""
    async with soon():
        while (await client.xpending(KEY, GROUP))["pending"] != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_exactly_the_bytes_that_were_stored_reach_the_handler(
    read: Read, own_client: Client
) -> None:
    reading = await read(PATIENT)
    bodies = [bytes(range(256)), b"", b"[1]", "Zoë 😀".encode(), b"\xff{", b"\r\n$5\r\n\x00"]
    await add(own_client, *bodies)
    await own_client.xadd(KEY, {BODY_FIELD: b"typed", b"call": b"track", b"received": 123})
    await until(lambda: len(reading.handled) == 7)
    assert reading.bodies() == [*bodies, b"typed"]
    assert (reading.handled[-1].call_type, reading.handled[-1].received_ms) == ("track", 123)
    await until_pending(own_client, 0)


async def test_a_batch_that_meets_an_outage_is_tried_again_in_hand(
    read: Read, own_client: Client
) -> None:
    reading = await read(PATIENT)
    reading.failures = [RetryableError("away"), RetryableError("away")]
    await add(own_client, b"1")
    await until(lambda: reading.bodies() == [b"1"])
    await until_pending(own_client, 0)
    assert reading.value("failed_batches", kind="retryable") == 2


async def test_a_batch_that_meets_an_outage_for_too_long_stays_pending(
    read: Read, own_client: Client
) -> None:
    reading = await read(Patience(retry_s=0.1, pause_s=0.03, silent_s=10))
    reading.failures = [RetryableError("away")] * 1000
    await add(own_client, b"1")
    await until(lambda: len(reading.failures) < 1000)
    await asyncio.sleep(0.3)
    tries = 1000 - len(reading.failures)
    assert 2 <= tries <= 6
    reading.failures = []
    await add(own_client, b"2")
    await until(lambda: reading.bodies() == [b"2"])
    await until_pending(own_client, 1)


async def test_a_batch_with_a_bug_stays_pending_and_stops_no_other(
    read: Read, own_client: Client
) -> None:
    reading = await read(PATIENT)
    reading.failures = [ValueError("a bug")]
    await add(own_client, b"1")
    await until(lambda: not reading.failures)
    await add(own_client, b"2")
    await until(lambda: reading.bodies() == [b"2"])
    await until_pending(own_client, 1)
    assert reading.value("failed_batches", kind="bug") == 1
    assert reading.consumer.is_running


async def test_a_consumer_that_reads_beats_and_is_not_revived(
    read: Read, own_client: Client
) -> None:
    reading = await read(SHORT)
    beats = reading.beats
    await asyncio.sleep(2 * SHORT.silent_s)
    assert reading.beats > beats
    assert reading.consumer.is_running
    await reading.consumer.revive()
    assert reading.value("revived_consumers") == 0
    await add(own_client, b"1")
    await until(lambda: reading.bodies() == [b"1"])


async def test_a_consumer_that_never_started_does_not_run(own_server: Valkey) -> None:
    assert not Reading(own_server.url, PATIENT).consumer.is_running


async def test_a_reader_ended_from_outside_is_noticed_by_its_silence_and_revived(
    read: Read, own_client: Client
) -> None:
    reading = await read(SHORT)
    await add(own_client, b"0")
    await until(lambda: reading.bodies() == [b"0"])
    await reading.end_from_outside()
    await until(lambda: not reading.consumer.is_running)
    assert reading.consumer._subscriber.running, "by its own flag it would run"
    await add(own_client, b"1", b"2")
    await asyncio.sleep(0.1)
    assert reading.bodies() == [b"0"]
    await reading.consumer.revive()
    assert reading.consumer.is_running
    await until(lambda: reading.bodies() == [b"0", b"1", b"2"])
    await until_pending(own_client, 0)
    assert reading.value("revived_consumers") == 1


async def test_a_reader_that_hangs_is_ended_before_another_starts(
    read: Read, own_client: Client
) -> None:
    reading = await read(SHORT)
    reading.hangs = True
    await add(own_client, b"1")
    await until(lambda: not reading.consumer.is_running)
    [hanging] = reading.consumer._subscriber.tasks
    await reading.consumer.revive()
    await until(hanging.done)
    reading.hangs = False
    await add(own_client, b"2")
    await until(lambda: reading.bodies() == [b"2"])
    await until_pending(own_client, 1)


async def test_a_reader_stopped_by_a_group_that_is_gone_is_revived(
    read: Read, own_client: Client
) -> None:
    reading = await read(PATIENT)
    await own_client.flushall()
    await until(lambda: not reading.consumer.is_running)
    await add(own_client, b"1")
    await RedisPendingBatches(own_client, shard=0, consumer="c").ensure_group()
    await add(own_client, b"2")
    await reading.consumer.revive()
    await until(lambda: reading.bodies() == [b"1", b"2"])
    assert reading.consumer.is_running


async def test_a_restart_of_redis_is_survived_without_a_revival(
    read: Read, own_server: Valkey, own_client: Client
) -> None:
    reading = await read(PATIENT)
    await add(own_client, b"1")
    await until(lambda: reading.bodies() == [b"1"])
    await until_pending(own_client, 0)
    own_server.kill()
    await asyncio.sleep(0.1)
    own_server.start()
    await add(own_client, b"2")
    await until(lambda: reading.bodies() == [b"1", b"2"])
    await until_pending(own_client, 0)
    assert reading.value("revived_consumers") == 0


async def test_without_a_redis_a_consumer_is_to_be_started_later(own_server: Valkey) -> None:
    own_server.stop()
    reading = Reading(own_server.url, PATIENT)
    with pytest.raises(RetryableError):
        await start_broker(reading.broker)
    own_server.start()
    await start_broker(reading.broker)
    assert reading.consumer.is_running
    await reading.broker.stop()


async def test_a_group_lost_before_the_first_read_costs_nothing(
    own_server: Valkey, own_client: Client
) -> None:
    """FastStream makes a group that is not there, by itself behind all that is stored."""
    await add(own_client, b"1", b"2")
    reading = Reading(own_server.url, PATIENT)
    await start_broker(reading.broker)
    await until(lambda: reading.bodies() == [b"1", b"2"])
    await reading.broker.stop()


async def test_a_group_lost_before_a_revival_costs_nothing(read: Read, own_client: Client) -> None:
    reading = await read(PATIENT)
    await own_client.xgroup_destroy(KEY, GROUP)
    await until(lambda: not reading.consumer.is_running)
    await add(own_client, b"1")
    await reading.consumer.revive()
    await until(lambda: reading.bodies() == [b"1"])
