"""Which faults come when and whom they hit: drawn from a seed before the run starts."""

from collections.abc import Sequence
from random import Random

import msgspec

WORKERS = ("worker-1", "worker-2")
LEASE_S = 1.5
"""Of a refresh, here; a worker is stalled for less than this or frozen for more."""

_LASTS_S = {
    "worker_killed": (0.2, 1.0),
    "worker_stalled": (0.6, 1.0),
    "worker_frozen": (1.3 * LEASE_S, 2.0 * LEASE_S),
    "worker_gone": (0.5, 0.5),
    "webhook_killed": (0.2, 1.0),
    "server_killed": (0.2, 1.0),
    "server_stopped": (0.2, 1.0),
    "group_destroyed": (0.0, 0.6),
    "groups_destroyed": (0.5, 0.5),
}
KINDS = tuple(_LASTS_S)
_STORM = tuple(kind for kind in KINDS if kind not in ("worker_gone", "groups_destroyed"))
_OF_WORKERS = tuple(kind for kind in _STORM if kind.startswith("worker"))
_FINALE = ("groups_destroyed", *("worker_stalled", "worker_frozen") * 2, "worker_gone")

_QUIET_AT_START_S = 1.5
_EVERY_S = 2.0
_FINALE_S = 16.0
_BETWEEN_S = 1.2
LEAST_SECONDS = 40.0
"""Shorter, and not every kind has its turn in the storm."""


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


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The faults of a run: first a storm, in which they overlap, then one after the other."""

    storm: tuple[Fault, ...]
    finale: tuple[Fault, ...]


def draw_plan(seed: int, *, seconds: float, shards: int) -> Plan:
    """A storm of about one fault every two seconds, and a finale that nothing mends.

    In the storm all kinds come in turn, then those of the workers again, each
    time shuffled. The finale begins with the loss of every group and ends with
    a worker that hangs, is given entries and never comes back: no start makes a
    group any more, and no new group applies everything once more, which would
    do by accident what the other worker has to do by itself.
    """
    random = Random(seed)  # noqa: S311 - reproducible is what it has to be
    storm: list[Fault] = []
    kinds: list[str] = []
    at_s = _QUIET_AT_START_S
    while at_s < seconds - _FINALE_S:
        kinds = kinds or [*_shuffled(_STORM, random), *_shuffled(_OF_WORKERS, random)]
        storm.append(_fault(kinds.pop(0), at_s, shards, random))
        at_s += _EVERY_S * random.uniform(0.5, 1.5)
    finale: list[Fault] = []
    for kind in _FINALE:
        finale.append(_fault(kind, at_s, shards, random))
        at_s += finale[-1].lasts_s + _BETWEEN_S
    return Plan(storm=tuple(storm), finale=tuple(finale))


def _fault(kind: str, at_s: float, shards: int, random: Random) -> Fault:
    return Fault(
        kind=kind,
        victims=_victims(kind, shards, random),
        at_s=round(at_s, 2),
        lasts_s=round(random.uniform(*_LASTS_S[kind]), 2),
    )


def _shuffled(kinds: Sequence[str], random: Random) -> list[str]:
    return random.sample(kinds, len(kinds))


def _victims(kind: str, shards: int, random: Random) -> tuple[str, ...]:
    if kind == "worker_killed":
        return random.choice([*((name,) for name in WORKERS), WORKERS])
    if kind.startswith("worker"):
        return (random.choice(WORKERS),)
    everything = tuple(str(shard) for shard in range(shards))
    if kind == "group_destroyed":
        return (random.choice(everything),)
    if kind == "groups_destroyed":
        return everything
    return (kind.partition("_")[0],)
