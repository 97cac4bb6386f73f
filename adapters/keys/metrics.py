"""What is shown of keys, for Prometheus and in the log: names and numbers, never a key.

The labels are the names of an operator's own keys; nothing that a request
presents becomes one.
"""

import secrets
from collections.abc import Hashable
from hashlib import blake2b
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from core.http.gate import Entry
from core.http.keys import KeyRing
from core.http.rates import RateLimiter
from core.log_names import KEY_FAILURES_THROTTLED

_PREFIX = "ai_engine"
_NOBODY = ""
"""The label of requests without a key of ours."""
_LINES_PER_MINUTE = 1
_MAX_SENDERS = 10_000

_log = structlog.get_logger()


class KeyMetrics:
    """The numbers of one service's gate, and its line in the log."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self._requests = Counter(
            "requests_by_key",
            "Requests by the name of their key (empty: none of ours) and what became of it.",
            ["key", "outcome"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._is_current = Gauge(
            "keys_file_current",
            "1 while the keys of KEYS_FILE as it is now are those that are valid.",
            namespace=_PREFIX,
            registry=registry,
        )
        self._is_current.set(1)
        self._expires = Gauge(
            "key_expires_timestamp_seconds",
            "When a key that has an end is none any more.",
            ["key"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._lines = RateLimiter(_LINES_PER_MINUTE, _MAX_SENDERS)
        # An address is few bits: without a salt everybody could undo its hash.
        self._salt = secrets.token_bytes(16)

    def judged(self, entry: Entry, sender: Hashable) -> None:
        """Count a request, and say once a minute that an address is slowed down."""
        self._requests.labels(entry.key or _NOBODY, entry.verdict).inc()
        if entry.verdict == "throttled" and self._lines.take(sender, monotonic()).admitted:
            _log.warning(KEY_FAILURES_THROTTLED, sender=self._hashed(sender))

    def valid(self, ring: KeyRing) -> None:
        """These keys are valid from now on: a key that nobody uses is seen at 0."""
        self._is_current.set(1)
        self._expires.clear()
        for key in ring.keys:
            self._requests.labels(key.name, "granted")
            if key.expires_s is not None:
                self._expires.labels(key.name).set(key.expires_s)

    def refused(self) -> None:
        """The file as it is now cannot be used."""
        self._is_current.set(0)

    def _hashed(self, sender: Hashable) -> str:
        return blake2b(str(sender).encode(), digest_size=6, key=self._salt).hexdigest()
