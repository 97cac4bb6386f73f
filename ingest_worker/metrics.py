"""What the webhook and the worker count and time, for Prometheus.

Every label has a closed set of values: outcomes, reasons and shards, never an
id. `accepted` times come from Redis's clock and the rest from the worker's.
"""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.identity.node import REFUSALS
from core.normalizing.reasons import REJECT_REASONS
from core.queues import QueueDepth, ShardState

_PREFIX = "ai_engine"
_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_FRESHNESS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class StreamGauges:
    """What waits in each shard, as it was at the latest look."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the gauges."""
        self._lag = _shard_gauge("stream_lag_entries", "Entries that no worker has read.", registry)
        self._pending = _shard_gauge(
            "stream_pending_entries", "Entries read and not finished.", registry
        )
        self._oldest = _shard_gauge(
            "stream_oldest_entry_seconds", "Age of the oldest unfinished entry.", registry
        )
        self._bytes = _shard_gauge("stream_waiting_bytes", "Memory of what waits.", registry)
        self._consumers = _shard_gauge("stream_consumers", "Consumers of the group.", registry)

    def show(self, shards: Sequence[ShardState], *, now_ms: int) -> None:
        """Take over the states."""
        for one in shards:
            label = str(one.shard)
            age_ms = 0 if one.oldest_ms is None else max(now_ms - one.oldest_ms, 0)
            self._lag.labels(label).set(one.lag)
            self._pending.labels(label).set(one.pending)
            self._oldest.labels(label).set(age_ms / 1000)
            self._bytes.labels(label).set(one.bytes)
            self._consumers.labels(label).set(one.consumers)


class WebhookMetrics:
    """The webhook's numbers."""

    def __init__(self, registry: CollectorRegistry, stream: StreamGauges) -> None:
        """Register them."""
        self.stream = stream
        self.requests = Counter(
            "ingest_requests",
            "Requests by outcome: accepted, or the code of the refusal.",
            ["outcome"],
            namespace=_PREFIX,
            registry=registry,
        )
        self.accepted_events = Counter(
            "ingest_accepted_events",
            "Events of accepted requests.",
            namespace=_PREFIX,
            registry=registry,
        )
        self.seconds = Histogram(
            "ingest_request_seconds",
            "From a request's head to its answer.",
            buckets=_REQUEST_SECONDS,
            namespace=_PREFIX,
            registry=registry,
        )


class WorkerMetrics:
    """The worker's numbers."""

    def __init__(self, registry: CollectorRegistry, stream: StreamGauges) -> None:
        """Register them."""
        self.stream = stream

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace=_PREFIX, registry=registry)

        def histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(name, text, buckets=buckets, namespace=_PREFIX, registry=registry)

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(name, text, namespace=_PREFIX, registry=registry)

        self.handled_entries = counter("handled_entries", "Stream entries handled.")
        self.applied_events = counter(
            "applied_events", "Events put into a buffer, or there before."
        )
        self.rejected_events = counter("rejected_events", "Events that cannot be used.", "reason")
        for reason in REJECT_REASONS:  # a series that starts at 0 shows its first increase
            self.rejected_events.labels(reason)
        self.refused_links = counter("refused_links", "Links that do not count.", "reason")
        for reason in REFUSALS:
            self.refused_links.labels(reason)
        self.erased_events = counter("erased_events", "Events of who was erased, or said no.")
        self.forbidden_events = counter(
            "forbidden_events", "Events that their visitor's consent does not cover."
        )
        self.expired_events = counter("expired_events", "Events older than the window.")
        self.failed_batches = counter("failed_batches", "Batches not finished.", "kind")
        self.claimed_entries = counter("claimed_entries", "Entries taken over as stale.")
        self.given_up_entries = counter("given_up_entries", "Entries delivered up to the cap.")
        self.revived_consumers = counter("revived_consumers", "Consumers started again.")
        self.batch_seconds = histogram(
            "batch_seconds", "Time to handle a batch of entries.", _REQUEST_SECONDS
        )
        self.refreshed_users = counter("refreshed_users", "Models rebuilt, by outcome.", "outcome")
        self.failed_refreshes = counter("failed_refreshes", "Rounds not finished.")
        self.refresh_seconds = histogram(
            "refresh_seconds", "Time of a round of refreshes.", _REQUEST_SECONDS
        )
        self.refresh_wait_seconds = histogram(
            "refresh_wait_seconds",
            "From the acceptance of a user's oldest new event to the start of the refresh.",
            _FRESHNESS_SECONDS,
        )
        self.freshness_seconds = histogram(
            "freshness_seconds",
            "From the acceptance of a user's oldest new event to the saved model.",
            _FRESHNESS_SECONDS,
        )
        self._due_users = gauge("due_users", "Users that wait for a refresh.")
        self._leased_users = gauge("leased_users", "Users being refreshed.")
        self._booked_users = gauge("booked_users", "Users booked for a later refresh.")
        self._dead_letters = gauge("dead_letters", "Letters that lie among the dead.")

    def show(self, depth: QueueDepth, dead_letters: int) -> None:
        """Take over what the queue and the dead letters hold."""
        self._due_users.set(depth.pending)
        self._leased_users.set(depth.leased)
        self._booked_users.set(depth.booked)
        self._dead_letters.set(dead_letters)


def _shard_gauge(name: str, text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, text, ["shard"], namespace=_PREFIX, registry=registry)
