"""Seeded choices that are the same on every machine and in every process."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def draw(seed: int, *parts: str) -> float:
    """A number in [0, 1) that only the arguments decide."""
    text = "\x1f".join((str(seed), *parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big") / 2**56


def choose(items: Sequence[T], seed: int, *parts: str) -> T:
    """One of the items, which must not be empty."""
    return items[int(draw(seed, *parts) * len(items))]


def seed_of(*parts: str) -> int:
    """A seed from text, for a request that brings none."""
    text = "\x1f".join(parts).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big")
