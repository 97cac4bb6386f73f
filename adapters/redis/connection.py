"""The connection to Redis or Valkey, one server or a cluster, and its errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hiredis
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import PipelineCommand, RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer

from core.errors import ConfigError, RetryableError

Client = Redis | RedisCluster

_TRANSIENT = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    # A slot that moves, a node that is being replaced, no node to be reached.
    exceptions.ClusterError,
    exceptions.RedisClusterException,
    exceptions.MovedError,
    exceptions.AskError,
    exceptions.TryAgainError,
    OSError,
    TimeoutError,
)
# A full disk, a missing replica, a replica cut off, a script that runs too long, a group
# that is about to be created again, a right that an operator has yet to give. In a
# pipeline the driver puts its own words before the server's.
_NOT_NOW = re.compile(
    r"(?:^|caused error: \(?['\"]?)"
    r"(?:MISCONF|NOREPLICAS|MASTERDOWN|BUSY |LOADING|CLUSTERDOWN|TRYAGAIN|NOGROUP|"
    r"The user executing the script can't run)"
)
_POOL_WAIT_S = 2
_MAX_CONNECTIONS = 50


def connect(
    url: str,
    *,
    timeout_s: float = 5.0,
    cluster: bool = False,
    connections: int = _MAX_CONNECTIONS,
) -> Client:
    """A client that connects at its first use, to one server or to the cluster around it.

    For one server it waits for a free connection instead of failing past so
    many `connections`.

    Units: `timeout_s` bounds every single wait for the server.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 30,
        "protocol": 2,
    }
    if cluster:
        return RedisCluster.from_url(url, **options)
    pool = BlockingConnectionPool.from_url(
        url, max_connections=connections, timeout=_POOL_WAIT_S, **options
    )
    pool.connection_class = _packed_in_c(pool.connection_class)
    return Redis.from_pool(pool)


def _packed_in_c(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """The kind of connection, with commands packed by hiredis as the synchronous driver does.

    Packing in Python takes a sixth of a worker's time.
    """
    packer = HiredisRespSerializer()

    def pack_command(_: AbstractConnection, *args: Any) -> list[bytes]:
        if " " in args[0]:  # a command of two words
            return list(packer.pack(*args))
        return [hiredis.pack_command(args)]

    return type(f"Packed{kind.__name__}", (kind,), {"pack_command": pack_command})


async def store_on_replicas(
    client: Client, key: str, commands: list[tuple[Any, ...]], *, replicas: int, wait_ms: int
) -> list[Any]:
    """Run commands on `key` and wait until so many replicas have them.

    All over one connection, without redirection or retry: WAIT speaks only of
    what its own connection wrote.

    Raises: RetryableError where fewer replicas have it in time.
    """
    wait = ("WAIT", replicas, wait_ms)
    if isinstance(client, RedisCluster):
        results = await _on_one_node(client, key, [*commands, wait])
    else:
        async with client.pipeline(transaction=False) as pipe:
            for command in (*commands, wait):
                pipe.execute_command(*command)
            results = await pipe.execute(raise_on_error=False)
    reached = results.pop()
    if not isinstance(reached, int) or reached < replicas:
        raise RetryableError(f"{reached} of {replicas} replicas have the request")
    return results


async def _on_one_node(
    client: RedisCluster, key: str, commands: list[tuple[Any, ...]]
) -> list[Any]:
    await client.initialize()
    node = client.get_node_from_key(key)
    if node is None:
        raise RetryableError(f"no node of the cluster holds {key}")
    queued = [PipelineCommand(number, *command) for number, command in enumerate(commands)]
    failed = True
    try:
        failed = await node.execute_pipeline(queued)
    finally:
        if failed:
            await client.aclose()  # the next use asks the cluster anew who holds what
    return [one.result for one in queued]


@contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn what the driver raises into the project's own errors."""
    try:
        yield
    except exceptions.MovedError as exc:
        raise RetryableError(
            f"{doing} is another node's: set REDIS_CLUSTER=1 if REDIS_URL names a cluster ({exc})"
        ) from exc
    except _TRANSIENT as exc:
        raise RetryableError(f"Redis is away while {doing}: {exc}") from exc
    except exceptions.NoPermissionError as exc:
        # Retried: nothing is lost until an operator has given the user the right.
        raise RetryableError(f"Redis does not permit {doing} to this user: {exc}") from exc
    except exceptions.ResponseError as exc:
        if not _NOT_NOW.search(str(exc)):
            raise
        raise RetryableError(f"Redis refuses {doing} for now: {exc}") from exc
    except RuntimeError as exc:
        if "closed" not in str(exc):
            raise
        # What uvloop raises for a write to a connection that the server has closed.
        raise RetryableError(f"Redis went away while {doing}: {exc}") from exc


async def require_whole_server(client: Client) -> None:
    """Raise ConfigError where the client sees one node of a cluster and takes it for all."""
    if isinstance(client, RedisCluster):
        return
    with driver_errors("asking what it is"):
        found = await client.info("cluster")
    if found.get("cluster_enabled"):
        raise ConfigError("REDIS_URL names a node of a cluster: set REDIS_CLUSTER=1")
