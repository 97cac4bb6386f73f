"""The same inputs give the same bytes, in another process and on another machine."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from random import Random

import msgspec
import numpy as np
import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import ModelConfig, RankingConfig
from core.content import Content
from core.geo import GeoPoint
from core.modelling.build import ModelBasis, build_user_signals
from core.recommendation import Recommendation, RecommendRequest
from core.recommender import Recommender
from core.signals import UserSignals
from core.vectors import to_grid
from tests.build import NOW_MS, PLAN, event, read

_ITEMS, _VISITORS, _DIM = 400, 25, 96


def catalogue() -> InMemoryContentStore:
    """Items about a few directions, whose vectors no sum leaves exact by luck."""
    noise = np.random.default_rng(7)
    themes = noise.standard_normal((8, _DIM))
    return InMemoryContentStore(
        Content(
            id=f"item-{number}",
            title=f"Item {number}",
            text="word " * (number % 90 + 1),
            tags={f"theme:{number % 8}": 0.7, f"place:{number % 31}": 0.3},
            vector=to_grid(themes[number % 8] + noise.standard_normal(_DIM)),
            position=GeoPoint(52 + number / 7000, 13 + number % 17 / 900),
            popularity=float(number % 13),
            related={f"item-{number * 3 % _ITEMS}": 0.9},
        )
        for number in range(_ITEMS)
    )


def model_of(number: int, contents: Mapping[str, Content]) -> UserSignals:
    """A visitor who read, left and passed over some thirty items."""
    dice = Random(number)  # noqa: S311 - the same on every machine
    events = []
    for step in range(30):
        item, ts_ms = f"item-{dice.randrange(_ITEMS)}", NOW_MS - step * 7_777_777
        reason = dice.choice(("next_button", "close_button", "abandon"))
        events.append(read(item, dice.uniform(1, 90), reason, ts_ms=ts_ms))
        shown = tuple(f"item-{dice.randrange(_ITEMS)}" for _ in range(3))
        events.append(event("view_started", item, ts_ms=ts_ms - 1000, impressions=shown))
    return build_user_signals(
        f"u{number}",
        events,
        contents,
        ModelBasis.of(PLAN, ModelConfig()),
        now_ms=NOW_MS,
        revision=number,
    )


async def answers() -> list[Recommendation]:
    """Of many visitors, near somewhere or not, with and without an item just viewed."""
    contents = catalogue()
    known = {one.id: one for one in contents.contents}
    recommender = Recommender(
        InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0), contents, RankingConfig(), "c1"
    )
    found = []
    for number in range(_VISITORS):
        request = RecommendRequest(
            user_id=f"u{number}",
            limit=20,
            near=GeoPoint(52.01, 13.004) if number % 2 else None,
            session=f"item-{number}" if number % 3 == 0 else None,
            distractor=number % 5 == 0,
            include_content=True,
            explain=True,
        )
        found.append(await recommender.rank(model_of(number, known), request, now_ms=NOW_MS + 1234))
    return found


def digest() -> str:
    """Of the bytes that all of them are answered with."""
    made = msgspec.json.encode(asyncio.run(answers()))
    return hashlib.blake2b(made, digest_size=12).hexdigest()


_MACHINES = {
    "an old processor": {
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
    "a newer one, two threads": {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "2"},
    "another hash of texts": {"PYTHONHASHSEED": "77", "OPENBLAS_CORETYPE": "Nehalem"},
}


@pytest.mark.parametrize("machine", _MACHINES)
def test_the_bytes_of_answers_are_the_same(machine: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tests.laws.test_same_bytes import digest; print(digest())"],
        env=os.environ | {"PYTHONHASHSEED": "0"} | _MACHINES[machine],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest()
