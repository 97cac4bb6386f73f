"""`python -m tests.bench.training_run ROWS KIND`: one training, and what it took, as JSON.

In a process of its own: the peak of a process's memory never falls again.
"""

import os
import resource
import sys
from collections.abc import Iterator
from time import perf_counter

from tests.bench.threads import ONE_THREAD

os.environ.update(ONE_THREAD)

import msgspec
import numpy as np

from adapters.rankers.lightgbm import grow_trees
from core.learning.boosting import train_trees
from core.learning.logged import LoggedAnswer, LoggedItem, gather
from core.learning.training import train_linear
from core.policies.policy import SCORERS
from tests.learned import STATIC

_LIST = 10
_AT_ONCE = 1000


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a training took. Units: seconds, bytes; `peak_bytes` above what stood before it."""

    rows: int
    reading_s: float
    training_s: float
    peak_bytes: int


def logged(answers: int) -> Iterator[LoggedAnswer]:
    """A log that is made as it is read, as one is that streams from a disk."""
    random, weights = np.random.default_rng(1), np.array(list(STATIC.values()))
    for start in range(0, answers, _AT_ONCE):
        values = random.random((_AT_ONCE, _LIST, len(SCORERS)))
        odds = -3.0 - 0.2 * np.arange(_LIST) + 3.0 * (values @ weights)
        opened = random.random(odds.shape) < 1.0 / (1.0 + np.exp(-odds))
        for number in range(min(_AT_ONCE, answers - start)):
            yield _answer(start + number, values[number].tolist(), opened[number].tolist())


def _answer(number: int, values: list[list[float]], opened: list[bool]) -> LoggedAnswer:
    return LoggedAnswer(
        person=f"person-{number % 1000}",
        at_ms=number,
        config_version="c1",
        catalogue_version="v1",
        items=tuple(
            LoggedItem(
                content_id="item",
                rank=rank,
                by_score=True,
                seen_before=False,
                opened=was_opened,
                values=dict(zip(SCORERS, row, strict=True)),
            )
            for rank, (row, was_opened) in enumerate(zip(values, opened, strict=True), start=1)
        ),
    )


def run(rows: int, kind: str) -> Taken:
    """Read a log and learn from it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = perf_counter()
    examples, versions = gather(logged(rows // _LIST), SCORERS)
    read = perf_counter()
    if kind == "linear":
        train_linear(examples, STATIC, versions)
    else:
        train_trees(examples, STATIC, versions, grow_trees)
    ended = perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    unit = 1 if sys.platform == "darwin" else 1024
    return Taken(
        rows=rows, reading_s=read - started, training_s=ended - read, peak_bytes=peak * unit
    )


if __name__ == "__main__":
    taken = run(int(sys.argv[1]), sys.argv[2])
    sys.stdout.write(msgspec.json.encode(taken).decode())
