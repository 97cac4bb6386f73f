"""The FastStream consumer: stream entries in batches, on the fast path.

FastStream would decode every entry twice and fail a whole batch for one bad
entry. Here its message format returns a constant and our decoder reads the raw
fields, so each body is decoded once, by `normalize_events`, event by event.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from faststream import AckPolicy
from faststream.exceptions import NackMessage
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.parser import MessageFormat
from faststream.redis.subscriber.usecases.stream_subscriber import StreamBatchSubscriber
from redis.exceptions import RedisError, ResponseError

from core.errors import RetryableError
from core.log_names import BATCH_FAILED, CONSUMER_REVIVED, READ_REFUSED
from core.ports import RawBatch

_REFUSED_PAUSE_S = 1.0

Decode = Callable[[bytes, Mapping[bytes, bytes]], RawBatch]
Handle = Callable[[Sequence[RawBatch]], Awaitable[None]]

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


def make_broker(url: str, *, timeout_s: float) -> RedisBroker:
    """A broker that injects nothing.

    With `apply_types` an import under TYPE_CHECKING makes every batch fail in silence.
    """
    return RedisBroker(
        _resp2(url),
        message_format=Untouched,
        apply_types=False,
        logger=logging.getLogger("ingest_worker.faststream"),
        health_check_interval=30,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
    )


class _Patient(StreamBatchSubscriber):
    """Waits where Redis refuses a read; FastStream would start over at once, for ever.

    Each of its new starts leaves a task behind: a full disk would end the
    worker by its memory. Without the group it does stop, and is revived.
    """

    __slots__ = ()

    async def start(self) -> None:
        # A group that is gone again by now FastStream makes anew, and by itself
        # behind everything that is stored and not applied.
        self.last_id = "0"
        await super().start()

    async def _get_msgs(self, read: Any) -> None:
        try:
            await super()._get_msgs(read)
        except ResponseError as exc:
            if "NOGROUP" in str(exc):
                raise
            _log.warning(READ_REFUSED, error=str(exc))
            await asyncio.sleep(_REFUSED_PAUSE_S)


async def start_broker(broker: RedisBroker) -> None:
    """Connect and start reading. Raises: RetryableError where Redis is away."""
    try:
        await broker.start()
    except (RedisError, OSError) as exc:
        raise RetryableError(f"Redis is away while starting to read: {exc}") from exc


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
    ) -> None:
        """Subscribe; reading begins when the broker is started."""
        self._decode = decode
        self._handle = handle
        self._subscriber: Any = broker.subscriber(
            stream=stream, decoder=self._decode_batch, ack_policy=AckPolicy.NACK_ON_ERROR
        )
        # The broker makes its own kind; ours differs in one method and has no more state.
        self._subscriber.__class__ = _Patient
        self._subscriber(self._handle_batch)

    async def revive(self) -> None:
        """Start reading again where it has stopped.

        FastStream's reader ends for good when its group is gone (a flushed or
        failed-over Redis), while the process looks healthy.
        """
        if not self._subscriber.running:
            await self._subscriber.start()
            _log.warning(CONSUMER_REVIVED)

    async def _decode_batch(self, message: Any) -> list[RawBatch]:
        raw = message.raw_message
        return [
            self._decode(entry_id, fields)
            for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
        ]

    async def _handle_batch(self, batches: list[RawBatch]) -> None:
        try:
            await self._handle(batches)
        except Exception as exc:
            _log.warning(
                BATCH_FAILED,
                entries=len(batches),
                error=str(exc),
                exc_info=not isinstance(exc, RetryableError),
            )
            # The entries stay pending and are claimed again; nothing is lost.
            raise NackMessage from exc
