"""`PostHogExporter`: hands exposures and outcomes to PostHog's client, off every hot path."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import structlog
from posthog import Posthog
from prometheus_client import CollectorRegistry, Counter

from adapters.handoff import Handoff
from adapters.posthog.messages import Message
from core.log_names import POSTHOG_FAILED

T = TypeVar("T")
_END_WITHIN_S = 5.0

_log = structlog.get_logger()


class PostHogExporter(Generic[T]):
    """Sends in batches, tries again, and drops what does not fit: counted, not waited for."""

    def __init__(
        self,
        make: Callable[[T], Iterable[Message]],
        *,
        host: str,
        key: str,
        queue: int,
        registry: CollectorRegistry,
        flush_s: float = 2.0,
    ) -> None:
        """`make` is called in a thread. `queue` bounds what waits, there and in the client."""

        def counter(name: str, text: str) -> Counter:
            return Counter(f"posthog_{name}", text, namespace="ai_engine", registry=registry)

        self._handed = counter("events", "Events that were handed to PostHog's client.")
        self._dropped = counter("dropped_events", "Those for which there was no room.")
        self._failed = counter("failed_events", "Those that PostHog did not take, after retries.")
        self._make = make
        self._failing = False
        self._client = Posthog(
            key,
            host=host,
            max_queue_size=queue,
            flush_interval=flush_s,
            gzip=True,
            on_error=self._on_error,
            disable_geoip=True,
            enable_exception_autocapture=False,
            enable_local_evaluation=False,
        )
        self._handoff: Handoff[T] = Handoff(
            self._work, name="posthog", most=queue, dropped=self._dropped.inc
        )

    def start(self) -> None:
        """Begin to send."""
        self._handoff.start()

    def put(self, one: T) -> None:
        """Have it sent some time; O(1), from any thread."""
        self._handoff.put(one)

    def close(self) -> None:
        """Send what is left, for a few seconds at most."""
        self._handoff.close(_END_WITHIN_S)
        self._client.shutdown()

    def _work(self, given: Sequence[T]) -> None:
        for one in given:
            try:
                for message in self._make(one):
                    self._send(message)
            except Exception:
                # Whatever one of them is like, the others are sent.
                _log.exception(POSTHOG_FAILED)

    def _send(self, message: Message) -> None:
        taken = self._client.capture(
            message.event,
            distinct_id=message.distinct_id,
            timestamp=message.timestamp,
            uuid=str(message.uuid),
            properties=message.properties,
        )
        (self._handed if taken is not None else self._dropped).inc()

    def _on_error(self, error: Exception, batch: Sequence[Any]) -> None:
        self._failed.inc(len(batch))
        # The type alone: its text may repeat what was sent.
        _log.warning(POSTHOG_FAILED, error=type(error).__name__, events=len(batch))
