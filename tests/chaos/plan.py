"""Which faults come when and whom they hit: drawn from a seed before the run starts."""

from collections.abc import Sequence
from random import Random

import msgspec

WORKERS = ("worker-1", "worker-2")
LEASE_S = 1.5
"""Of a refresh, here; a worker is stalled for less than this or frozen for more."""

_EVERY_S = 2.0
_QUIET_AT_START_S = 1.5
_LASTS_S = {
    "worker_killed": (0.2, 1.0),
    "webhook_killed": (0.2, 1.0),
    "server_killed": (0.2, 1.0),
    "server_stopped": (0.2, 1.0),
    "group_destroyed": (0.0, 0.6),
    "worker_stalled": (0.6, 1.0),
    "worker_frozen": (1.3 * LEASE_S, 2.0 * LEASE_S),
}
KINDS = tuple(_LASTS_S)
_OF_WORKERS = tuple(kind for kind in KINDS if kind.startswith("worker"))
GONE = "worker_gone"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. Units: seconds, `at_s` from the start of the load."""

    kind: str
    victims: tuple[str, ...]
    at_s: float
    lasts_s: float

    def __str__(self) -> str:
        return (
            f"{self.at_s:7.2f} s  {self.kind:16} {' '.join(self.victims):18} {self.lasts_s:.2f} s"
        )


def draw_plan(seed: int, *, seconds: float, shards: int) -> Sequence[Fault]:
    """About one fault every two seconds, all kinds and then the workers' again, shuffled.

    The last two are always the loss of every group, and a worker that hangs,
    is given entries and never comes back. Nothing after them does by accident
    what the other worker has to do by itself: a start makes groups, a new group
    starts over.
    """
    random = Random(seed)  # noqa: S311 - reproducible is what it has to be
    faults: list[Fault] = []
    kinds: list[str] = []
    at_s = _QUIET_AT_START_S
    while at_s < seconds - 5.0:
        if not kinds:
            kinds = [*_shuffled(KINDS, random), *_shuffled(_OF_WORKERS, random)]
        kind = kinds.pop(0)
        faults.append(
            Fault(
                kind=kind,
                victims=_victims(kind, shards, random),
                at_s=round(at_s, 2),
                lasts_s=round(random.uniform(*_LASTS_S[kind]), 2),
            )
        )
        at_s += _EVERY_S * random.uniform(0.5, 1.5)
    last_s = max([seconds, *(fault.at_s + fault.lasts_s + 3.0 for fault in faults)])
    everything = tuple(str(shard) for shard in range(shards))
    for kind, victims, at_s, lasts_s in (
        ("group_destroyed", everything, last_s - 2.5, 0.0),
        (GONE, (random.choice(WORKERS),), last_s - 1.5, 0.5),
    ):
        faults.append(Fault(kind=kind, victims=victims, at_s=round(at_s, 2), lasts_s=lasts_s))
    return faults


def _shuffled(kinds: Sequence[str], random: Random) -> list[str]:
    return random.sample(kinds, len(kinds))


def _victims(kind: str, shards: int, random: Random) -> tuple[str, ...]:
    if kind == "worker_killed":
        return random.choice([*((name,) for name in WORKERS), WORKERS])
    if kind.startswith("worker"):
        return (random.choice(WORKERS),)
    if kind == "group_destroyed":
        everything = tuple(str(shard) for shard in range(shards))
        return random.choice([*((shard,) for shard in everything), everything])
    return (kind.partition("_")[0],)
