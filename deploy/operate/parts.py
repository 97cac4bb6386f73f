"""What the operator's commands work with: the stores of the ingest side, over Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import click
import msgspec

from adapters.contents import open_content_store
from adapters.logs import configure_logs
from adapters.redis.connection import require_whole_server
from core.errors import EngineError, RetryableError
from core.queues import RawBatchStream
from core.updater import UserModelUpdater
from ingest_worker.composition import (
    IngestProcess,
    Stores,
    ingest_settings,
    model_updater,
    redis_client,
    redis_stores,
    redis_stream,
)

T = TypeVar("T")


class OperatorParts(msgspec.Struct, frozen=True, kw_only=True):
    """The stream, ready to store, and the stores."""

    settings: IngestProcess
    stream: RawBatchStream
    stores: Stores

    def updater(self) -> UserModelUpdater:
        """What rebuilds models; loads the catalogue."""
        return model_updater(self.settings, self.stores, open_content_store(self.settings))


def with_parts(work: Callable[[OperatorParts], Awaitable[T]]) -> T:
    """Run a command's work over the Redis of the environment.

    Raises: click.ClickException with what the project's own errors say.
    """

    async def run() -> T:
        settings = ingest_settings(os.environ)
        configure_logs(settings.log_format, "warning")  # stdout is the command's own
        async with _operator_parts(settings) as parts:
            try:
                return await work(parts)
            except (EngineError, click.ClickException) as exc:
                failure = exc  # raised outside: a task group would wrap it
        raise failure

    try:
        return asyncio.run(run())
    except EngineError as exc:
        raise click.ClickException(str(exc)) from exc


@asynccontextmanager
async def _operator_parts(settings: IngestProcess) -> AsyncIterator[OperatorParts]:
    async with redis_client(settings) as client:
        with suppress(RetryableError):  # the command says so, or waits
            await require_whole_server(client)
        stream = redis_stream(client, settings.ingest)
        stores = redis_stores(settings, client)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(stream.run())
            yield OperatorParts(settings=settings, stream=stream, stores=stores)
            stream.close()
