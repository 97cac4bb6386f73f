"""The servers that the contracts run on, one for all tests and own ones to stop, and stores."""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from adapters.memory.content_store import InMemoryContentStore
from adapters.redis.connection import connect
from adapters.redis.due_queue import _ROLES
from adapters.redis.keys import DEAD_LETTERS, queue_key, stream_key
from core.content import Content
from core.ports import ContentStore
from deploy.valkey import Valkey, valkey_binary
from tests.contract.catalogue import CATALOGUE

MakeStore = Callable[[Sequence[Content]], ContentStore]

_SHARDS = range(3)
# What belongs to a user lies under an id of its own test; these keys are everybody's.
_SHARED_KEYS = (
    DEAD_LETTERS,
    *(stream_key(shard) for shard in _SHARDS),
    *(queue_key(role, shard) for role in _ROLES for shard in _SHARDS),
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


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the common server; the keys that tests share are free for this one."""
    client = connect(redis_url)
    taken = [key for key in _SHARED_KEYS if await client.exists(key)]
    if taken:
        # Somebody's data on a server that REDIS_URL names: nothing of it is touched.
        await client.aclose()
        pytest.fail(f"the server is in use, name an empty database; it holds {taken}")
    yield client
    await client.delete(*_SHARED_KEYS)
    await client.aclose()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Valkey]:
    """A server of one test, which may stop it."""
    server = _started(tmp_path / "valkey")
    yield server
    server.kill()


@pytest.fixture
async def own_client(own_server: Valkey) -> AsyncIterator[Redis]:
    """A client that does not wait long."""
    client = connect(own_server.url, timeout_s=0.3)
    yield client
    await client.aclose()


@pytest.fixture
def uid() -> str:
    """A user id that no other test has, nor an earlier run on the same server."""
    return f"u-{uuid4().hex[:12]}"


@pytest.fixture(params=[InMemoryContentStore])
def make_store(request: pytest.FixtureRequest) -> MakeStore:
    """Makes a `ContentStore` of items; the next adapter is one more of the params."""
    make: MakeStore = request.param
    return make


@pytest.fixture
def store(make_store: MakeStore) -> ContentStore:
    """A store of the small catalogue."""
    return make_store(CATALOGUE)


def _started(folder: Path) -> Valkey:
    if valkey_binary() is None:
        pytest.skip("there is no Valkey server for this machine, and REDIS_URL names none")
    server = Valkey(folder)
    server.start()
    return server
