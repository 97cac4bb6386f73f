"""Opens the log of answers and events, for either side's composition."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import CollectorRegistry

from adapters.collective.file import open_statistics, write_statistics
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from adapters.snapshot.file import open_snapshot, write_snapshot
from core.answer_log.editions import encode_policy, policy_version
from core.answer_log.entry import AnswerEntry, EventEntry
from core.answer_log.served import Pseudonym, Record, Served, entry_of, event_entry
from core.erasing.person_log import PersonLog
from core.events import InteractionEvent
from core.index.contents import IndexedContents
from core.log_names import LOG_FAILED, LOG_OPENED

if TYPE_CHECKING:
    from adapters.parquet.editions import Editions
    from adapters.parquet.folder import LogFolder
    from adapters.parquet.replays import ParquetReplays
    from adapters.parquet.writer import LogWriter

_RETIRE_EVERY_S = 600.0

RecordEvents = Callable[[Sequence[InteractionEvent]], None]
"""Is told which events were stored; it must not take its time."""

_log = structlog.get_logger()


RecordAnswers = Callable[[str], Record]
"""By the name of the endpoint: is told what is served there, and does not take its time."""


@asynccontextmanager
async def answer_log(
    settings: SharedSettings, registry: CollectorRegistry
) -> AsyncIterator[RecordAnswers | None]:
    """The answers' half of the log, None where there is none. Raises: ConfigError."""
    if not settings.log_url:
        yield None
        return
    # Two tenths of a second and 60 MB, for those who keep a log.
    from adapters.parquet.editions import Editions  # noqa: PLC0415
    from adapters.parquet.metrics import LogMetrics  # noqa: PLC0415
    from adapters.parquet.schema import ANSWERS  # noqa: PLC0415
    from adapters.parquet.writer import LogPace, LogWriter  # noqa: PLC0415

    folder, pseudonym = _folder(settings)
    editions = Editions(folder)

    def rows(given: tuple[str, int, Served]) -> Iterable[AnswerEntry]:
        endpoint, served_at_ms, served = given
        _keep_editions(editions, served)
        return [entry_of(served, endpoint, served_at_ms=served_at_ms, pseudonym=pseudonym)]

    writer: LogWriter[tuple[str, int, Served], AnswerEntry] = LogWriter(
        folder,
        ANSWERS,
        rows,
        process=_process(),
        pace=LogPace(rotate_s=settings.log_rotate_s),
        metrics=LogMetrics(registry),
    )

    def record(endpoint: str) -> Record:
        return lambda served: writer.put((endpoint, clock_ms(), served))

    async with _running(writer, settings, folder):
        yield record


@asynccontextmanager
async def event_log(
    settings: SharedSettings, registry: CollectorRegistry
) -> AsyncIterator[RecordEvents | None]:
    """The events' half of the log, None where there is none. Raises: ConfigError."""
    if not settings.log_url:
        yield None
        return
    from adapters.parquet.metrics import LogMetrics  # noqa: PLC0415
    from adapters.parquet.schema import EVENTS  # noqa: PLC0415
    from adapters.parquet.writer import LogPace, LogWriter  # noqa: PLC0415

    folder, pseudonym = _folder(settings)

    def rows(events: Sequence[InteractionEvent]) -> Iterable[EventEntry]:
        now_ms = clock_ms()
        made = (event_entry(one, pseudonym, recorded_ms=now_ms) for one in events)
        return [one for one in made if one is not None]

    writer: LogWriter[Sequence[InteractionEvent], EventEntry] = LogWriter(
        folder,
        EVENTS,
        rows,
        process=_process(),
        pace=LogPace(rotate_s=settings.log_rotate_s),
        metrics=LogMetrics(registry),
    )
    async with _running(writer, settings, folder):
        yield writer.put


def answer_replays(settings: SharedSettings) -> "ParquetReplays | None":
    """What makes logged answers again, None where there is no log."""
    if not settings.log_url:
        return None
    from adapters.parquet.reader import LogReader  # noqa: PLC0415
    from adapters.parquet.replays import ParquetReplays  # noqa: PLC0415

    return ParquetReplays(LogReader(log_folder(settings)), open_snapshot, open_statistics)


def person_log(settings: SharedSettings) -> PersonLog | None:
    """The log as a place that persons are erased from."""
    if not settings.log_url:
        return None
    from adapters.parquet.person_log import ParquetPersonLog  # noqa: PLC0415

    return ParquetPersonLog(*_folder(settings))


def log_folder(settings: SharedSettings) -> "LogFolder":
    """Where the log lies. Raises: ConfigError."""
    return _folder(settings)[0]


@asynccontextmanager
async def _running(
    writer: "LogWriter[Any, Any]", settings: SharedSettings, folder: "LogFolder"
) -> AsyncIterator[None]:
    """The writer's thread, and what keeps the log within its bounds."""
    writer.start()
    task = asyncio.create_task(_retire(settings, folder))
    _log.info(LOG_OPENED, kind=writer.name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(writer.close)


async def _retire(settings: SharedSettings, folder: "LogFolder") -> None:
    from adapters.parquet.retention import LogBounds, retire  # noqa: PLC0415

    bounds = LogBounds(
        days=settings.log_days, max_mb=settings.log_max_mb, replay_days=settings.replay_days
    )
    while True:
        try:
            await asyncio.to_thread(retire, folder, bounds, now_ms=clock_ms())
        except Exception as exc:
            # Whatever the storage has: it is looked after again later.
            _log.warning(LOG_FAILED, error=str(exc))
        await asyncio.sleep(_RETIRE_EVERY_S)


def _keep_editions(editions: "Editions", served: Served) -> None:
    """What this answer could be made from again."""
    contents, collective, policy = served.contents, served.collective, served.policy
    if isinstance(contents, IndexedContents):
        index = contents.index
        editions.keep("catalogue", contents.version, lambda path: write_snapshot(index, path))
    if collective is not None:
        statistics = collective.statistics
        editions.keep(
            "collective", collective.version, lambda path: write_statistics(statistics, path)
        )

    def write_policy(path: Path) -> None:
        path.write_bytes(encode_policy(policy))

    version = policy_version(policy.config_version, policy.ranker_version)
    editions.keep("policy", version, write_policy)


def _folder(settings: SharedSettings) -> "tuple[LogFolder, Pseudonym]":
    """Where the log lies, and whom it knows visitors as. Raises: ConfigError."""
    from adapters.parquet.folder import LogFolder  # noqa: PLC0415
    from adapters.parquet.pseudonyms import key_of, pseudonym_of  # noqa: PLC0415

    folder = LogFolder.of(settings.log_url)
    return folder, pseudonym_of(settings.tombstone_hash_key or key_of(folder))


def _process() -> str:
    """Part of the names of the files: no two processes have the same."""
    return f"{socket.gethostname()}-{os.getpid()}-{clock_ms():x}"
