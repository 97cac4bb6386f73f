"""What the operator's commands work with: the stores of the ingest side, over Redis."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import TypeVar

import click
import msgspec
from prometheus_client import CollectorRegistry

from adapters.live_contents import live_contents
from adapters.logs import configure_logs
from adapters.redis.connection import Client, require_whole_server
from core.errors import EngineError, RetryableError
from core.queues import RawBatchStream
from core.updater import UserModelUpdater
from ingest_worker.composition import model_updater, redis_client, redis_stores, redis_stream
from ingest_worker.process_settings import IngestProcess, ingest_settings
from ingest_worker.stores import Stores

T = TypeVar("T")
_CATALOGUE_WITHIN_S = 30.0
"""To fetch a large one; where none is published, it is said then."""
_LOOK_EVERY_S = 0.05


class OperatorParts(msgspec.Struct, frozen=True, kw_only=True):
    """The stream, ready to store, and the stores."""

    settings: IngestProcess
    client: Client
    stream: RawBatchStream
    stores: Stores

    @asynccontextmanager
    async def updater(self) -> AsyncIterator[UserModelUpdater]:
        """What rebuilds models, with the catalogue that is served.

        Raises: NoCatalogueError where there is none.
        """
        async with live_contents(self.settings, self.client, CollectorRegistry()) as contents:
            updater = model_updater(self.settings, self.stores, contents)
            until_s = monotonic() + _CATALOGUE_WITHIN_S
            while not updater.has_catalogue and monotonic() < until_s:  # noqa: ASYNC110 - seldom
                await asyncio.sleep(_LOOK_EVERY_S)
            contents.edition()
            yield updater


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
            yield OperatorParts(settings=settings, client=client, stream=stream, stores=stores)
            stream.close()
