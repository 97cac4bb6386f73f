"""The settings of the ingest side, read once from the environment."""

from typing import Annotated

import msgspec
from msgspec import Meta

from core.config import Count, Port
from core.http.access import AccessPolicy, is_loopback
from core.http.keys import Key, setting_keys
from core.http.operation import Right
from core.queues import Debounce
from ingest_worker.backpressure import HighWater

RIGHTS: tuple[Right, ...] = ("ingest", "operate")
"""What keys of the webhook may do; one of INGEST_API_KEY may send events and nothing else."""


class IngestSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Variables with the prefix `INGEST_`."""

    host: str = "127.0.0.1"
    port: Port = 8080
    api_key: str = ""
    """What a sender must present: one of the keys, separated by commas; unset means open."""
    api_key_header: str = "X-API-Key"
    """A header of choice that may carry the key, beside Bearer, Basic and X-API-Key."""
    max_body_bytes: Count = 4000 * 1024
    """After decompression; RudderStack's data plane has the same limit."""
    max_batch_events: Count = 10_000
    """Events of one request: a body of nothing but zeros would be millions of dead letters."""
    body_timeout_s: Count = 10
    """How long a sender may take to send a body, and Redis to store it."""
    shards: Count = 1
    """Number of stream shards; the same for every process."""
    max_backlog_entries: Count = 1_000_000
    """Unprocessed requests past which senders are told to try later."""
    max_backlog_bytes: Count = 1024**3
    """The same, by the memory that they take in Redis."""
    backlog_every_ms: Count = 250
    """How often the backlog is looked at."""
    wait_replicas: Annotated[int, Meta(ge=0)] = 0
    """A request is answered 200 once so many replicas have it, too."""
    wait_ms: Count = 1000
    """How long that may take; then it is answered 503."""
    memory_max_entries: Count = 10_000
    """Unread bodies that the in-memory stream holds before it answers 503."""

    def __post_init__(self) -> None:
        """A key that was meant must be one. Raises: ValueError."""
        _ = self.keys

    @property
    def keys(self) -> tuple[Key, ...]:
        """The keys of the setting."""
        return setting_keys(self.api_key, "INGEST_API_KEY", ["ingest"])

    def access(self, *, keys_file: str) -> AccessPolicy:
        """Who may send and operate; `keys_file` names one of further keys."""
        return AccessPolicy(has_keys=bool(self.keys or keys_file), is_local=is_loopback(self.host))

    @property
    def high_water(self) -> HighWater:
        """The marks of the backlog."""
        return HighWater(
            max_entries=self.max_backlog_entries,
            max_bytes=self.max_backlog_bytes,
            every_ms=self.backlog_every_ms,
        )


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Variables with the prefix `WORKER_`."""

    host: str = "127.0.0.1"
    port: Port = 0
    """Of /healthz, /readyz and /metrics; 0 takes any free one, which the log names."""
    stalled_after_s: Count = 60
    """A loop that has not gone around for this long makes /healthz answer 503."""
    batch_entries: Count = 500
    """Stream entries read at once."""
    poll_ms: Count = 100
    """How long a read of the stream waits for entries."""
    debounce_ms: Count = 250
    """A burst of events of one visitor is gathered this long."""
    max_wait_ms: Count = 2_000
    """Nobody waits longer than this for a refresh, however long the burst."""
    lease_ms: Count = 30_000
    """A refresh not finished by then is given to another worker."""
    refresh_users: Count = 20
    """Users refreshed in one round."""
    refresh_poll_ms: Count = 20
    """How often an idle refresher looks for due users."""
    stale_ms: Count = 30_000
    """An entry unacknowledged this long is taken over from its consumer."""
    max_deliveries: Count = 10
    """An entry delivered this often and never finished becomes a dead letter."""
    gone_ms: Count = 3_600_000
    """A consumer that has not read for this long and left nothing is forgotten."""
    keep_every_ms: Count = 5_000
    """How often stale entries are claimed and finished ones trimmed."""
    max_due_users: Count = 1_000_000
    """Users that may wait for a refresh; past it events wait in the stream instead."""
    publisher: bool = True
    """Whether one of the workers publishes the catalogue, in a process beside it."""
    max_dead_letters: Count = 100_000
    max_dead_letter_bytes: Count = 256 * 1024**2
    """Memory that dead letters may take in Redis; the newest stay."""

    @property
    def debounce(self) -> Debounce:
        """The times of the debounce."""
        return Debounce(
            debounce_ms=self.debounce_ms,
            max_wait_ms=self.max_wait_ms,
            lease_ms=self.lease_ms,
            max_pending=self.max_due_users,
        )
