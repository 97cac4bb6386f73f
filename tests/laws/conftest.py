"""An event loop that a state machine may step, and a server of its own for these tests."""

import asyncio
from collections.abc import Iterator

import pytest

from adapters.redis.connection import Client, connect
from deploy.valkey import Valkey, valkey_binary


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that these tests may empty at any time."""
    if valkey_binary() is None:
        pytest.skip("there is no Valkey server for this machine")
    server = Valkey(tmp_path_factory.mktemp("valkey"), options={"appendonly": "no"})
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """A loop that stands still between two calls: Hypothesis' machines are not async."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def valkey(runner: asyncio.Runner, valkey_url: str) -> Iterator[Client]:
    """A client in that loop."""
    client = connect(valkey_url)
    yield client
    runner.run(client.aclose())


async def emptied(client: Client) -> None:
    """Nothing is left of the example before."""
    await client.flushdb()
