"""Requests that count as stored only once a replica has them, over two real servers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from adapters.redis.connection import Client, connect
from adapters.redis.stream import RedisRawBatchStream
from core.errors import RetryableError
from deploy.valkey import Valkey, valkey_binary

pytestmark = pytest.mark.skipif(valkey_binary() is None, reason="no Valkey for this machine")
WITHIN_S = 10


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[Valkey, Valkey]]:
    """A master and its replica."""
    master = Valkey(tmp_path / "master", options={"repl-diskless-sync-delay": "0"})
    master.start()
    replica = Valkey(
        tmp_path / "replica", options={"replicaof": f"127.0.0.1 {master.port}", "appendonly": "no"}
    )
    try:
        replica.start()
        yield master, replica
    finally:
        if replica.process is not None:
            os.kill(replica.process.pid, signal.SIGCONT)
        replica.kill()
        master.kill()


@pytest.fixture
async def stream(servers: tuple[Valkey, Valkey]) -> AsyncIterator[RedisRawBatchStream]:
    client = connect(servers[0].url)
    async with asyncio.timeout(WITHIN_S):
        reached = 0
        while not reached:  # the replica is in step
            async with client.pipeline(transaction=False) as pipe:
                pipe.set("replication", "wakes")
                pipe.wait(1, 200)
                _, reached = await pipe.execute()
    stream = RedisRawBatchStream(client, shards=1, wait_replicas=1, wait_ms=300)
    storing = asyncio.create_task(stream.run())
    yield stream
    stream.close()
    with suppress(asyncio.CancelledError):
        await storing
    await client.aclose()


async def test_a_replica_has_what_was_answered_for(
    stream: RedisRawBatchStream, servers: tuple[Valkey, Valkey]
) -> None:
    await stream.enqueue(b"[]", call_type=None)
    replica = connect(servers[1].url)
    assert await replica.xlen("ingest:{0}") == 1
    await replica.aclose()


async def test_a_paused_replica_makes_the_sender_try_later(
    stream: RedisRawBatchStream, servers: tuple[Valkey, Valkey]
) -> None:
    process = servers[1].process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(RetryableError, match="0 of 1 replicas"):
        await stream.enqueue(b"[]", call_type=None)
    os.kill(process.pid, signal.SIGCONT)
    async with asyncio.timeout(WITHIN_S):
        while True:
            with suppress(RetryableError):
                await stream.enqueue(b"[]", call_type=None)
                break


async def test_without_replicas_nothing_is_answered_for(client: Client) -> None:
    """One server, then a cluster: neither has a replica that could confirm anything."""
    stream = RedisRawBatchStream(client, shards=1, wait_replicas=1, wait_ms=50)
    storing = asyncio.create_task(stream.run())
    with pytest.raises(RetryableError, match="0 of 1 replicas"):
        await stream.enqueue(b"[]", call_type=None)
    stream.close()
    await storing
    plain = RedisRawBatchStream(client, shards=1)
    await plain.ping()
    assert [one.lag for one in await plain.shards()] == [1], "it may have been stored all the same"
