"""The FastStream consumer: stream entries in batches, on the fast path.

FastStream would decode every entry twice and fail a whole batch for one bad
entry. Here its message format returns a constant and our decoder reads the raw
fields, so each body is decoded once, by `normalize_events`, event by event.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import msgspec
import structlog
from faststream import AckPolicy
from faststream.exceptions import NackMessage
from faststream.redis import RedisBroker, RedisClusterBroker, StreamSub
from faststream.redis.parser import MessageFormat
from faststream.redis.subscriber.usecases.stream_subscriber import StreamBatchSubscriber
from redis.exceptions import RedisError

from core.errors import RetryableError
from core.log_names import BATCH_FAILED, CONSUMER_REVIVED, READ_REFUSED
from core.queues import RawBatch
from ingest_worker.metrics import WorkerMetrics

_REFUSED_PAUSE_S = 0.5
_FINISH_BATCH_S = 5.0
"""What a batch in hand is given when the worker stops."""

Decode = Callable[[bytes, Mapping[bytes, bytes]], RawBatch]
Handle = Callable[[Sequence[RawBatch]], Awaitable[None]]


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a batch is tried again in hand, and how long a reader may be silent."""

    retry_s: float
    pause_s: float = 0.25
    silent_s: float = 30.0


_log = structlog.get_logger()


class Untouched(MessageFormat):
    """A message format that parses nothing; the decoder reads the raw entry."""

    @classmethod
    async def encode(cls, **_: Any) -> bytes:
        """Never used: the webhook writes the stream without FastStream."""
        raise NotImplementedError

    @classmethod
    def parse(cls, data: bytes) -> tuple[bytes, dict[str, Any]]:  # noqa: ARG003
        """A constant, so that nothing is decoded twice."""
        return b"0", {}  # valid JSON: FastStream would raise and catch on anything else


def make_broker(url: str, *, cluster: bool, timeout_s: float) -> RedisBroker:
    """A broker that injects nothing.

    With `apply_types` an import under TYPE_CHECKING makes every batch fail in silence.
    """
    kind = RedisClusterBroker if cluster else RedisBroker
    return kind(
        _resp2(url),
        message_format=Untouched,
        apply_types=False,
        logger=logging.getLogger("ingest_worker.faststream"),
        health_check_interval=30,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        graceful_timeout=_FINISH_BATCH_S,
    )


def _patient(beat: Callable[[], None]) -> type[StreamBatchSubscriber]:
    """A subscriber that beats at every read and waits where one fails.

    FastStream would start over at once, for ever, where Redis refuses a read.
    Each of its new starts leaves a task behind: a full disk would end the
    worker by its memory. Without the group it does stop, and is revived.
    """

    class Patient(StreamBatchSubscriber):
        __slots__ = ()

        async def start(self) -> None:
            # A group that is gone again by now FastStream makes anew, and by itself
            # behind everything that is stored and not applied.
            self.last_id = "0"
            await super().start()

        async def _get_msgs(self, read: Any) -> None:
            beat()
            try:
                await super()._get_msgs(read)
            except (RedisError, OSError) as exc:
                if "NOGROUP" in str(exc):
                    raise
                _log.warning(READ_REFUSED, error=str(exc))
                await asyncio.sleep(_REFUSED_PAUSE_S)

    return Patient


async def start_broker(broker: RedisBroker) -> None:
    """Connect and start reading. Raises: RetryableError where Redis is away."""
    with _redis_away("starting to read"):
        await broker.start()


@contextmanager
def _redis_away(doing: str) -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as exc:  # a time-out of FastStream's is an OSError, too
        raise RetryableError(f"Redis is away while {doing}: {exc}") from exc


def _resp2(url: str) -> str:
    """FastStream reads the replies of the older protocol."""
    return f"{url}{'&' if '?' in url else '?'}protocol=2"


class StreamConsumer:
    """One stream, read in batches. Entries are acknowledged after `handle` has returned."""

    def __init__(
        self,
        broker: RedisBroker,
        *,
        stream: StreamSub,
        decode: Decode,
        handle: Handle,
        patience: Patience,
        metrics: WorkerMetrics,
        beat: Callable[[], None],
    ) -> None:
        """Subscribe; reading begins when the broker is started.

        `beat` is called at every read, as long as the consumer runs.
        """
        self._decode = decode
        self._handle = handle
        self._patience = patience
        self._metrics = metrics
        self._beat = beat
        self._last_beat_s = monotonic()
        self._subscriber: Any = broker.subscriber(
            stream=stream, decoder=self._decode_batch, ack_policy=AckPolicy.NACK_ON_ERROR
        )
        # The broker makes its own kind; ours differs in two methods and has no more state.
        self._subscriber.__class__ = _patient(self._alive)
        self._subscriber(self._handle_batch)

    @property
    def is_running(self) -> bool:
        """Whether entries are being read or handled."""
        silent_s = monotonic() - self._last_beat_s
        return bool(self._subscriber.running) and silent_s < self._patience.silent_s

    async def revive(self) -> None:
        """Start reading again where it has stopped, for whatever reason.

        FastStream's reader ends for good when its group is gone (a flushed or
        failed-over Redis), while the process looks healthy.
        """
        if self.is_running:
            return
        await self._subscriber.stop()
        self._alive()
        with _redis_away("starting to read again"):
            await self._subscriber.start()
        self._metrics.revived_consumers.inc()
        _log.warning(CONSUMER_REVIVED)

    def _alive(self) -> None:
        self._last_beat_s = monotonic()
        self._beat()

    async def _decode_batch(self, message: Any) -> list[RawBatch]:
        raw = message.raw_message
        return [
            self._decode(entry_id, fields)
            for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
        ]

    async def _handle_batch(self, batches: list[RawBatch]) -> None:
        """Handle a batch, again and again while a store is away.

        What does not succeed stays pending and is claimed again; nothing is lost.
        """
        until_s = monotonic() + self._patience.retry_s
        while True:
            self._alive()
            try:
                return await self._handle(batches)
            except RetryableError as exc:
                self._metrics.failed_batches.labels("retryable").inc()
                _log.warning(BATCH_FAILED, entries=len(batches), error=str(exc))
                if monotonic() > until_s or not self._subscriber.running:
                    raise NackMessage from exc
            except Exception as exc:
                self._metrics.failed_batches.labels("bug").inc()
                _log.exception(BATCH_FAILED, entries=len(batches))
                raise NackMessage from exc
            await asyncio.sleep(self._patience.pause_s)
