"""Gates of settings alone, and of further keys, that report to nobody."""

from collections.abc import Callable, Hashable, Sequence

from core.http.access import AccessPolicy
from core.http.gate import Entry, Gate
from core.http.keys import Key, KeyRing
from ingest_worker.doors import WebhookDoors
from ingest_worker.settings import IngestSettings
from serve_api.settings import ServeSettings


class Seen:
    """Notes what happened at a gate."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def judged(self, entry: Entry, _: Hashable) -> None:
        self.entries.append(entry)


def gate_of(
    policy: AccessPolicy,
    *keys: Key,
    failures: int = 60,
    seen: Seen | None = None,
    now_s: Callable[[], float] = lambda: 0.0,
) -> Gate:
    """A gate of these keys."""
    return Gate(
        lambda: KeyRing(keys),
        policy,
        failures_per_minute=failures,
        clock_s=now_s,
        now_s=now_s,
        report=seen or Seen(),
    )


def serve_gate_of(settings: ServeSettings, more: Sequence[Key] = (), failures: int = 60) -> Gate:
    """The read API's, of its settings' keys and more."""
    policy = settings.access(keys_file="keys.toml" if more else "")
    return gate_of(policy, *settings.keys, *more, failures=failures)


def webhook_gate_of(settings: IngestSettings, more: Sequence[Key] = (), failures: int = 60) -> Gate:
    """The webhook's."""
    policy = settings.access(keys_file="keys.toml" if more else "")
    return gate_of(policy, *settings.keys, *more, failures=failures)


def doors_of(settings: IngestSettings) -> WebhookDoors:
    """The webhook's doors, of its settings alone."""
    return WebhookDoors(webhook_gate_of(settings), settings.api_key_header)
