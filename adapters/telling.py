"""Opens what is told of answers and events: the log, and PostHog. For either side's composition."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry

from adapters.open_log import RecordAnswers, RecordEvents, answer_log, event_log
from adapters.process import clock_ms
from adapters.settings import SharedSettings
from core.answer_log.served import Record, Served
from core.errors import ConfigError
from core.events import InteractionEvent

if TYPE_CHECKING:
    from adapters.posthog.messages import Message

T = TypeVar("T")
Exposed = tuple[str, int, Served]


@asynccontextmanager
async def exposures_told(
    settings: SharedSettings, registry: CollectorRegistry
) -> AsyncIterator[RecordAnswers | None]:
    """The read API's half, None where PostHog is told nothing. Raises: ConfigError."""
    if not settings.posthog_host:
        yield None
        return

    def made(given: Exposed) -> "Iterable[Message]":
        from adapters.posthog.messages import exposures  # noqa: PLC0415

        endpoint, served_at_ms, served = given
        return exposures(endpoint, served, served_at_ms=served_at_ms)

    async with _exporting(made, settings, registry) as put:

        def record(endpoint: str) -> Record:
            return lambda served: put((endpoint, clock_ms(), served))

        yield record


@asynccontextmanager
async def outcomes_told(
    settings: SharedSettings, registry: CollectorRegistry
) -> AsyncIterator[RecordEvents | None]:
    """The worker's half, None where PostHog is told nothing. Raises: ConfigError."""
    if not settings.posthog_host:
        yield None
        return

    def made(events: Sequence[InteractionEvent]) -> "Iterable[Message]":
        from adapters.posthog.messages import outcomes  # noqa: PLC0415

        return outcomes(events)

    async with _exporting(made, settings, registry) as put:
        yield put


@asynccontextmanager
async def answers_told(
    settings: SharedSettings, registry: CollectorRegistry
) -> AsyncIterator[RecordAnswers | None]:
    """Whoever is told of answers: the log, and PostHog. Raises: ConfigError."""
    async with (
        answer_log(settings, registry) as log,
        exposures_told(settings, registry) as posthog,
    ):
        every = [one for one in (log, posthog) if one is not None]
        yield (lambda endpoint: _each([one(endpoint) for one in every])) if every else None


@asynccontextmanager
async def events_told(
    settings: SharedSettings, registry: CollectorRegistry
) -> AsyncIterator[RecordEvents | None]:
    """Whoever is told of events: the log, and PostHog. Raises: ConfigError."""
    async with (
        event_log(settings, registry) as log,
        outcomes_told(settings, registry) as posthog,
    ):
        every = [one for one in (log, posthog) if one is not None]
        yield _each(every) if every else None


def _each(told: Sequence[Callable[[T], None]]) -> Callable[[T], None]:
    def tell(one: T) -> None:
        for each in told:
            each(one)

    return tell


@asynccontextmanager
async def _exporting(
    made: "Callable[[T], Iterable[Message]]",
    settings: SharedSettings,
    registry: CollectorRegistry,
) -> AsyncIterator[Callable[[T], None]]:
    if not settings.posthog_api_key:
        raise ConfigError("POSTHOG_HOST needs POSTHOG_API_KEY")
    try:
        from adapters.posthog.exporter import PostHogExporter  # noqa: PLC0415
    except ImportError as exc:
        raise ConfigError("POSTHOG_HOST needs the extra `posthog`") from exc
    exporter = PostHogExporter(
        made,
        host=settings.posthog_host,
        key=settings.posthog_api_key,
        queue=settings.posthog_queue,
        registry=registry,
    )
    exporter.start()
    try:
        yield exporter.put
    finally:
        await asyncio.to_thread(exporter.close)
