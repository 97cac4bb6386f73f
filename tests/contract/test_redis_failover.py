"""A cluster whose masters have replicas: what WAIT promises, and a master that is killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import pytest
from redis.asyncio.cluster import RedisCluster

from adapters.redis.connection import Client, connect, require_whole_server
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.keys import stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import RedisRawBatchStream
from adapters.redis.user_models import RedisUserModelStore
from core.errors import ConfigError, RetryableError
from core.queues import Debounce
from core.signals import UserSignals
from deploy.valkey import Valkey, valkey_binary
from tests.build import NOW_MS, WINDOW_MS, accepted, event
from tests.valkey_cluster import ValkeyCluster

T = TypeVar("T")
pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")
WITHIN_S = 40
USERS = tuple(f"u{number}" for number in range(12))  # enough for every node


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """Masters with a replica each, which takes over after a second."""
    cluster = ValkeyCluster(
        tmp_path_factory.mktemp("replicated"), replicas=True, node_timeout_ms=1_000
    )
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()


@pytest.fixture
async def client(cluster: ValkeyCluster) -> AsyncIterator[Client]:
    client = connect(cluster.url, cluster=True, timeout_s=1)
    yield client
    await client.aclose()


@pytest.fixture
async def another(cluster: ValkeyCluster) -> AsyncIterator[Client]:
    """What one client learns of the cluster helps no other."""
    client = connect(cluster.url, cluster=True, timeout_s=1)
    yield client
    await client.aclose()


@asynccontextmanager
async def storing(client: Client, *, wait_replicas: int) -> AsyncIterator[RedisRawBatchStream]:
    stream = RedisRawBatchStream(client, shards=3, wait_replicas=wait_replicas, wait_ms=500)
    task = asyncio.create_task(stream.run())
    yield stream
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def again(call: Callable[[], Awaitable[T]]) -> T:
    """The call, tried again while it says that it may work later."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                return await call()
            except RetryableError:
                await asyncio.sleep(0.1)


async def until_refused(stream: RedisRawBatchStream, why: str) -> None:
    """Enqueue until that is refused for the given reason."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                await stream.enqueue(b"[]", call_type=None)
            except RetryableError as exc:
                if why in str(exc):
                    return
            await asyncio.sleep(0.05)


async def holder(client: Client, cluster: ValkeyCluster, key: str) -> Valkey:
    """The server that holds a key."""
    assert isinstance(client, RedisCluster)
    await client.initialize()
    node = client.get_node_from_key(key)
    assert node is not None
    [found] = [one for one in cluster.nodes if one.port == node.port]
    return found


async def entries(client: Client) -> int:
    return sum([await client.xlen(stream_key(shard)) for shard in range(3)])


async def test_a_killed_master_is_outlived_by_the_same_client(
    client: Client, another: Client, cluster: ValkeyCluster
) -> None:
    buffer = RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=10, model_ttl_s=600)
    models = RedisUserModelStore(client, ttl_s=600)
    queue = RedisDueQueue(client, Debounce(debounce_ms=0), shards=3)
    batches = RedisPendingBatches(client, shard=0, consumer="c")

    async def everything(stream: RedisRawBatchStream, number: int) -> None:
        """What the processes do with Redis, for users on every node."""
        now_ms = NOW_MS + number * 60_000
        for _ in range(3):
            await again(lambda: stream.enqueue(b"[]", call_type=None))
        events = [event("page", user_id=user, message_id=f"m{number}") for user in USERS]
        await again(lambda: buffer.append(events, now_ms=now_ms))
        await again(lambda: queue.mark(accepted(*USERS), now_ms=now_ms))
        due: set[str] = set()
        async with asyncio.timeout(WITHIN_S):
            while due != set(USERS):
                due |= {
                    one.user_id for one in await again(lambda: queue.pop(limit=99, now_ms=now_ms))
                }
        saved = [UserSignals(user_id=user, revision=number) for user in USERS]
        assert all(await again(lambda: models.save_signals(saved)))
        await again(batches.ensure_group)
        await again(batches.trim)
        await again(stream.ping)
        states = await again(stream.shards)
        assert sum(one.lag + one.pending for one in states) == await entries(client)

    async with storing(another, wait_replicas=1) as stream:
        await everything(stream, 1)  # all of it is replicated by then
        assert await entries(client) == 3
        (await holder(client, cluster, stream_key(0))).kill()
        async with storing(client, wait_replicas=0) as quick:
            await asyncio.gather(
                everything(quick, 2),
                until_refused(stream, "0 of 1 replicas"),  # by the new master, which has none
            )
    assert await entries(client) >= 6
    windows = await buffer.fetch_events(USERS, since_ms=0)
    assert [len(window.events) for window in windows] == [2] * len(USERS)


async def test_what_a_replica_of_a_node_has_is_answered_and_what_none_has_is_not(
    client: Client, cluster: ValkeyCluster
) -> None:
    async with storing(client, wait_replicas=1) as stream:
        await asyncio.gather(*(stream.enqueue(b"[]", call_type=None) for _ in range(30)))
        assert await entries(client) == 30
        for replica in cluster.replicas:
            replica.kill()
        with pytest.raises(RetryableError, match="0 of 1 replicas"):
            await stream.enqueue(b"[]", call_type=None)
        for replica in cluster.replicas:
            replica.start()
        for _ in range(3):
            await again(lambda: stream.enqueue(b"[]", call_type=None))


async def test_one_node_of_a_cluster_is_not_taken_for_all_of_it(
    cluster_url: str, redis_url: str
) -> None:
    """Else a look at a third of the visitors would pass for a look at all."""
    node, server = connect(cluster_url), connect(redis_url)
    with pytest.raises(ConfigError, match="REDIS_CLUSTER=1"):
        await require_whole_server(node)
    models = RedisUserModelStore(node, ttl_s=60)
    reading = [models.get_signals(user) for user in USERS]
    refused = [one for one in await asyncio.gather(*reading, return_exceptions=True) if one]
    assert refused, "not all of them are this node's"
    assert all("REDIS_CLUSTER=1" in str(one) for one in refused)
    await require_whole_server(server)
    await node.aclose()
    await server.aclose()
