"""What every Redis adapter holds when its server is away, hangs, is full or was restarted."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from redis.asyncio import Redis

from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.keys import stream_key
from adapters.redis.lease import RedisLease
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.snapshot_shelf import RedisSnapshotShelf
from adapters.redis.stream import RedisRawBatchStream
from adapters.redis.user_models import RedisUserModelStore
from core.errors import RetryableError
from core.queues import DeadLetter, Debounce, DueUser
from core.signals import UserSignals
from deploy.valkey import Valkey
from tests.build import NOW_MS, accepted, event, raw_batch

EVENT = event("page")
MODEL = UserSignals(user_id="u1", revision=1)
LETTER = DeadLetter(reason="bad", entry_id="1-1", message_id=None, body=b"{}", received_ms=1)
BATCH = raw_batch("1-1")

Call = Callable[[Redis], Awaitable[object]]


def buffer(client: Redis) -> RedisEventBuffer:
    return RedisEventBuffer(client, window_ms=3_600_000, max_events=10, model_ttl_s=600)


def models(client: Redis) -> RedisUserModelStore:
    return RedisUserModelStore(client, ttl_s=600)


def queue(client: Redis) -> RedisDueQueue:
    return RedisDueQueue(client, Debounce(), shards=1)


def pending(client: Redis) -> RedisPendingBatches:
    return RedisPendingBatches(client, shard=0, consumer="heir")


def letters(client: Redis) -> RedisDeadLetters:
    return RedisDeadLetters(client, max_letters=100, max_bytes=10**9)


def shelf(client: Redis) -> RedisSnapshotShelf:
    return RedisSnapshotShelf(client, name="1")


async def enqueue(client: Redis) -> None:
    """Enqueue with the storing task beside it, as the webhook runs it."""
    stream = RedisRawBatchStream(client, shards=1)
    storing = asyncio.create_task(stream.run())
    try:
        await stream.enqueue(b"body", call_type=None)
    finally:
        storing.cancel()
        with suppress(asyncio.CancelledError):
            await storing


WRITES: dict[str, Call] = {
    "append": lambda client: buffer(client).append([EVENT], now_ms=NOW_MS),
    "save": lambda client: models(client).save_signals([MODEL]),
    "mark": lambda client: queue(client).mark(accepted("u1"), now_ms=NOW_MS),
    "enqueue": enqueue,
    "ensure group": lambda client: pending(client).ensure_group(),
    "add": lambda client: letters(client).add([LETTER]),
    "number": lambda client: shelf(client).number(),
    "publish": lambda client: shelf(client).publish("v1", Path(__file__), number=1),
    "hold": lambda client: RedisLease(client, name="1", ttl_ms=1000).hold("w1"),
}
CALLS: dict[str, Call] = WRITES | {
    "fetch": lambda client: buffer(client).fetch_events(["u1"], since_ms=0),
    "get": lambda client: models(client).get_signals("u1"),
    "pop": lambda client: queue(client).pop(limit=1, now_ms=NOW_MS),
    "complete": lambda client: queue(client).complete([DueUser("u1", 1)], again_ms=None),
    "ping": lambda client: RedisRawBatchStream(client, shards=1).ping(),
    "stale": lambda client: pending(client).stale(idle_ms=0, limit=1),
    "take": lambda client: pending(client).take(["1-0"], idle_ms=0),
    "own": lambda client: pending(client).own(limit=1),
    "acknowledge": lambda client: pending(client).acknowledge([BATCH]),
    "trim": lambda client: pending(client).trim(),
    "current": lambda client: shelf(client).current(),
    "release": lambda client: RedisLease(client, name="1", ttl_ms=1000).release("w2"),
}


async def answers(calls: dict[str, Call], client: Redis) -> dict[str, object]:
    """Make all calls at once; what each answers or raises."""
    results = await asyncio.gather(
        *(call(client) for call in calls.values()), return_exceptions=True
    )
    return dict(zip(calls, results, strict=True))


def not_retryable(results: dict[str, object]) -> dict[str, object]:
    return {name: one for name, one in results.items() if not isinstance(one, RetryableError)}


def raised(results: Iterable[object]) -> list[object]:
    return [one for one in results if isinstance(one, BaseException)]


class TestRedisOutages:
    async def test_every_call_says_try_later_while_the_server_is_stopped(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        await answers(CALLS, own_client)  # the connections of the pool are made
        own_server.stop()
        assert not_retryable(await answers(CALLS, own_client)) == {}

    async def test_every_call_says_try_later_in_time_while_the_server_hangs(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        await answers(CALLS, own_client)
        assert own_server.process is not None
        os.kill(own_server.process.pid, signal.SIGSTOP)
        started_s = monotonic()
        assert not_retryable(await answers(CALLS, own_client)) == {}
        assert monotonic() - started_s < 2.0

    async def test_every_write_says_try_later_while_the_server_is_full(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        assert own_server.process is not None
        await own_client.config_set("maxmemory", "1")
        assert not_retryable(await answers(WRITES, own_client)) == {}
        await own_client.config_set("maxmemory", "0")
        assert raised((await answers(WRITES, own_client)).values()) == []

    async def test_every_write_says_try_later_while_a_replica_is_missing(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        assert own_server.process is not None
        await answers(CALLS, own_client)  # the scripts are there
        # So that a mark and the group have something to write.
        await own_client.delete(*queue(own_client)._keys(0), stream_key(0))
        await own_client.config_set("min-replicas-to-write", 1)
        assert not_retryable(await answers(WRITES, own_client)) == {}
        await own_client.config_set("min-replicas-to-write", 0)
        assert raised((await answers(WRITES, own_client)).values()) == []

    async def test_calls_work_again_when_the_server_does(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        own_server.stop()
        assert not_retryable(await answers(WRITES, own_client)) == {}
        own_server.start()  # it has forgotten the scripts
        assert raised((await answers(WRITES, own_client)).values()) == []
        assert raised((await answers(CALLS, own_client)).values()) == []

    async def test_the_storing_task_outlives_an_outage(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        stream = RedisRawBatchStream(own_client, shards=1)
        storing = asyncio.create_task(stream.run())
        own_server.stop()
        refused = await asyncio.gather(
            *(stream.enqueue(b"refused", call_type=None) for _ in range(20)),
            return_exceptions=True,
        )
        assert [type(one) for one in refused] == [RetryableError] * 20
        own_server.start()
        await stream.enqueue(b"stored", call_type=None)
        storing.cancel()
        assert await own_client.xlen(stream_key(0)) == 1

    async def test_what_was_answered_survives_a_killed_server(
        self, own_server: Valkey, own_client: Redis
    ) -> None:
        await answers(WRITES, own_client)
        own_server.kill()
        own_server.start()
        await own_client.connection_pool.disconnect()
        [window] = await buffer(own_client).fetch_events(["u1"], since_ms=0)
        assert window.events == (EVENT,)
        assert await models(own_client).get_signals("u1") == MODEL
        [due] = await queue(own_client).pop(limit=9, now_ms=NOW_MS)
        assert due.user_id == "u1"
        assert await own_client.xlen(stream_key(0)) == 1
