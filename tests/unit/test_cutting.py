"""Cutting files into chunks: all of the file, in bounds, and the same cuts behind a change."""

import io
from random import Random

import numpy as np
import pytest

from adapters.redis.cutting import LEAST_BYTES, MOST_BYTES, chunks_of

MB = 1024**2
NOISE = Random(1).randbytes(24 * MB)  # noqa: S311 - reproducible, not secret


def chunks(data: bytes) -> list[bytes]:
    return list(chunks_of(io.BytesIO(data)))


def floats(rows: int) -> bytes:
    """Vectors of whole numbers as a snapshot has them: few different ones, but in no order."""
    values = np.rint(np.random.default_rng(1).normal(0, 200, size=(rows, 384)))
    return values.astype("<f4").tobytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        NOISE[:100_000],
        NOISE[:LEAST_BYTES],
        NOISE[:MOST_BYTES],
        NOISE[: MOST_BYTES + 1],
        NOISE,
        bytes(9 * MB),
        b"0123456789abcdef" * (MB // 2),
        floats(8000),
    ],
    ids=lambda data: f"{len(data)}-{bytes(data[:4]).hex()}",
)
def test_the_chunks_are_the_file_and_neither_too_long_nor_too_short(data: bytes) -> None:
    found = chunks(data)
    assert b"".join(found) == data
    assert all(LEAST_BYTES <= len(one) <= MOST_BYTES for one in found[:-1])
    assert all(0 < len(one) <= MOST_BYTES for one in found[-1:])


@pytest.mark.parametrize("data", [NOISE, floats(16_000)], ids=["noise", "vectors"])
@pytest.mark.parametrize("more", [b"!", b"123456", bytes(1536)], ids=len)
@pytest.mark.parametrize("place", [0.0, 0.3, 0.7, 1.0])
def test_most_chunks_stay_when_something_is_inserted(
    data: bytes, more: bytes, place: float
) -> None:
    at = round(len(data) * place / 1536) * 1536
    before, after = set(chunks(data)), set(chunks(data[:at] + more + data[at:]))
    assert len(before) > 15
    assert len(after - before) <= 4


def test_most_chunks_stay_when_something_is_removed_and_something_is_changed() -> None:
    changed = NOISE[: 5 * MB] + NOISE[5 * MB + 777 : 15 * MB] + b"changed" + NOISE[15 * MB + 7 :]
    assert len(set(chunks(changed)) - set(chunks(NOISE))) <= 6
