"""The servers that the contracts run on: one for all tests, and own ones to stop."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.redis.connection import Client, connect
from adapters.redis.due_queue import ROLES
from adapters.redis.keys import (
    DEAD_LETTERS,
    ERASED,
    KNOWN_LETTERS,
    TOMBSTONE_KEY,
    WITHDRAWN,
    discard_key,
    queue_key,
    stream_key,
)
from deploy.valkey import Valkey, valkey_binary
from tests.valkey_cluster import ValkeyCluster

_SHARDS = range(3)
# What belongs to a user lies under an id of its own test; these keys are everybody's.
_SHARED_KEYS = (
    DEAD_LETTERS,
    KNOWN_LETTERS,
    ERASED,
    WITHDRAWN,
    TOMBSTONE_KEY,
    *(key(shard) for key in (stream_key, discard_key) for shard in _SHARDS),
    *(queue_key(role, shard) for role in ROLES for shard in _SHARDS),
)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server that REDIS_URL names, else one of our own for the whole run."""
    if named := os.environ.get("REDIS_URL"):
        yield named
        return
    server = _started(tmp_path_factory.mktemp("valkey"))
    yield server.url
    server.stop()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of three nodes of our own for the whole run."""
    _require_valkey()
    cluster = ValkeyCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster.url
    finally:
        cluster.kill()


@pytest.fixture
async def server_client(redis_url: str) -> AsyncIterator[Client]:
    """A client of the common server."""
    async for client in _only_user(connect(redis_url)):
        yield client


@pytest.fixture
async def cluster_client(cluster_url: str) -> AsyncIterator[Client]:
    """A client of the cluster."""
    async for client in _only_user(connect(cluster_url, cluster=True)):
        yield client


@pytest.fixture(params=["server", "cluster"])
def client(request: pytest.FixtureRequest) -> Client:
    """A client of the common server, then of the cluster."""
    found: Client = request.getfixturevalue(f"{request.param}_client")
    return found


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Valkey]:
    """A server of one test, which may stop it."""
    server = _started(tmp_path / "valkey")
    yield server
    server.kill()


@pytest.fixture
async def own_client(own_server: Valkey) -> AsyncIterator[Client]:
    """A client that does not wait long."""
    client = connect(own_server.url, timeout_s=0.3)
    yield client
    await client.aclose()


@pytest.fixture
def uid() -> str:
    """A user id that no other test has, nor an earlier run on the same server."""
    return f"u-{uuid4().hex[:12]}"


async def _only_user(client: Client) -> AsyncIterator[Client]:
    """The client, while the keys that tests share are free for its test."""
    taken = [key for key in _SHARED_KEYS if await client.exists(key)]
    if taken:
        # Somebody's data on a server that REDIS_URL names: nothing of it is touched.
        await client.aclose()
        pytest.fail(f"the server is in use, name an empty database; it holds {taken}")
    yield client
    for key in _SHARED_KEYS:
        await client.delete(key)
    await client.aclose()


def _require_valkey() -> None:
    if valkey_binary() is None:
        pytest.skip("there is no Valkey server for this machine, and REDIS_URL names none")


def _started(folder: Path) -> Valkey:
    _require_valkey()
    server = Valkey(folder)
    server.start()
    return server
