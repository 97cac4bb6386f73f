"""Opens the gate of a service: its keys from the setting and from KEYS_FILE, followed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from time import monotonic, time

from prometheus_client import CollectorRegistry

from adapters.keys.metrics import KeyMetrics
from adapters.keys.watched import WatchedKeys
from adapters.settings import SharedSettings
from core.http.access import AccessPolicy
from core.http.gate import Gate
from core.http.keys import Key
from core.http.operation import Right


@asynccontextmanager
async def opened_gate(
    shared: SharedSettings,
    policy: AccessPolicy,
    own: Sequence[Key],
    rights: Sequence[Right],
    registry: CollectorRegistry,
) -> AsyncIterator[Gate]:
    """A gate of the `own` keys and of those in the file; `rights` are what the service asks for.

    Raises: ConfigError where the file cannot be used.
    """
    metrics = KeyMetrics(registry)
    path = Path(shared.keys_file) if shared.keys_file else None
    keys = WatchedKeys(path, own, rights, metrics)
    gate = Gate(
        keys.ring,
        policy,
        failures_per_minute=shared.key_failures_per_minute,
        clock_s=monotonic,
        now_s=time,
        report=metrics,
    )
    following = asyncio.create_task(keys.run())
    try:
        yield gate
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
