"""The connection to Redis or Valkey, its errors, and scripts run in one round trip."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis

from core.errors import RetryableError

_TRANSIENT = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
    OSError,
    TimeoutError,
)
# A full disk, a missing replica, a replica cut off, a script that runs too long,
# a group that is about to be created again. In a pipeline the driver puts its own
# words before the server's.
_NOT_NOW = re.compile(
    r"(?:^|caused error: \(?['\"]?)"
    r"(?:MISCONF|NOREPLICAS|MASTERDOWN|BUSY |LOADING|CLUSTERDOWN|TRYAGAIN|NOGROUP)"
)
_POOL_WAIT_S = 2
_MAX_CONNECTIONS = 50


def connect(url: str, *, timeout_s: float = 5.0) -> Redis:
    """A client that waits for a free connection instead of failing past the pool's size.

    Units: `timeout_s` bounds every single wait for the server.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=_POOL_WAIT_S,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=30,
        protocol=2,
    )
    return Redis.from_pool(pool)


@contextmanager
def driver_errors(doing: str) -> Iterator[None]:
    """Turn what the driver raises into the project's own errors."""
    try:
        yield
    except _TRANSIENT as exc:
        raise RetryableError(f"Redis is away while {doing}: {exc}") from exc
    except exceptions.ResponseError as exc:
        if not _NOT_NOW.search(str(exc)):
            raise
        raise RetryableError(f"Redis refuses {doing} for now: {exc}") from exc
    except RuntimeError as exc:
        if "closed" not in str(exc):
            raise
        # What uvloop raises for a write to a connection that the server has closed.
        raise RetryableError(f"Redis went away while {doing}: {exc}") from exc


class Script(msgspec.Struct, frozen=True):
    """A Lua script. All of ours may run twice without harm."""

    source: str
    sha: str = ""
    """The name under which the server caches it, derived once."""

    def __post_init__(self) -> None:
        """Derive the name."""
        sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        msgspec.structs.force_setattr(self, "sha", sha)


class Call(msgspec.Struct, frozen=True):
    """One run of a script."""

    keys: Sequence[str]
    args: Sequence[Any]


async def run_script(client: Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    """Run a script many times in one pipeline; a server that forgot it is told again."""
    sha = script.sha
    try:
        return await _pipeline(client, sha, calls)
    except exceptions.NoScriptError:
        await client.script_load(script.source)
        return await _pipeline(client, sha, calls)


async def _pipeline(client: Redis, sha: str, calls: Sequence[Call]) -> list[Any]:
    async with client.pipeline(transaction=False) as pipe:
        for call in calls:
            pipe.evalsha(sha, len(call.keys), *call.keys, *call.args)
        return await pipe.execute()
