"""Experiments: which people take part, and which variant each of them always gets.

Who somebody is decides, by a hash with a salt: no table is kept, every process
answers alike, and one experiment's groups say nothing about another's.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from core.policies.policy import Policy

_WHO_TAKES_PART = "experiments"
"""One salt for all: so that nobody is in two of them."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A way to answer. `share` of the experiment's people get it.

    One that is a `shadow` is made for its share besides, and shown to nobody.
    """

    name: str
    share: float
    policy: Policy
    shadow: bool = False


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """Variants that are compared. `share` of all people take part."""

    name: str
    salt: str
    share: float
    variants: tuple[Variant, ...]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody's answer is made by, and what is made beside it and not shown."""

    policy: Policy
    experiment: str | None = None
    variant: str | None = None
    shadows: tuple[Variant, ...] = ()


def choose(person: str, base: Policy, experiments: Sequence[Experiment]) -> Choice:
    """Of who is nobody in particular, or in no experiment, the answer is made by `base`."""
    found = _experiment_of(person, experiments) if person else None
    if found is None:
        return Choice(policy=base)
    at, end = _point(found.salt, person), 0.0
    shown = [variant for variant in found.variants if not variant.shadow]
    chosen = shown[-1]  # shares that are thirds need not add up to 1 to the last digit
    for variant in shown:
        end += variant.share
        if at < end:
            chosen = variant
            break
    return Choice(
        policy=chosen.policy,
        experiment=found.name,
        variant=chosen.name,
        shadows=tuple(
            variant
            for variant in found.variants
            if variant.shadow and _point(found.salt, person, variant.name) < variant.share
        ),
    )


def _experiment_of(person: str, experiments: Sequence[Experiment]) -> Experiment | None:
    at, end = _point(_WHO_TAKES_PART, person), 0.0
    for experiment in experiments:
        end += experiment.share
        if at < end:
            return experiment
    return None


def _point(*parts: str) -> float:
    """A number in [0, 1) that only the arguments decide."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56
