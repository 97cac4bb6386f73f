"""What the code says of the three processes: their settings, commands, and times to stop."""

from typing import Any

import msgspec

from adapters.process import _GRACE_S
from core.environment import variables
from deploy.local import _COMMANDS
from deploy.one_process import OneProcess
from ingest_worker.consumer import make_broker
from ingest_worker.worker import _FINISH_WITHIN_S

SETTINGS: dict[str, Any] = dict(variables(OneProcess))


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three."""

    command: list[str]
    prefix: str
    """Of the settings of its host and port."""
    stops_within_s: float
    """What it allows itself, plus one last wait for Redis."""


def _stops_within_s(name: str) -> float:
    redis_s = float(SETTINGS["REDIS_TIMEOUT_S"])
    if name != "worker":
        return _GRACE_S + redis_s
    broker = make_broker("redis://127.0.0.1", cluster=False, timeout_s=redis_s)
    return (broker.config.graceful_timeout or 0) + _FINISH_WITHIN_S + redis_s


PROCESSES = {
    name: Process(
        command=["python", *_COMMANDS[name]], prefix=prefix, stops_within_s=_stops_within_s(name)
    )
    for name, prefix in (("webhook", "INGEST"), ("worker", "WORKER"), ("serve", "SERVE"))
}
