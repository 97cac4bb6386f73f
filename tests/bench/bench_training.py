"""Learning from logged answers: rows a second, and memory a row as the log grows.

Ceilings: of time, one score of every row by the static weights; of memory, the
columns alone. Rows are read as a log streams them, each size in its own process.
"""

import subprocess
import sys
from time import perf_counter

import msgspec
import numpy as np

from core.policies.policy import SCORERS
from tests.bench.harness import Effort, Row, rate
from tests.bench.training_run import Taken
from tests.learned import STATIC, synthetic

_SIZES = (300_000, 1_000_000, 3_000_000)
ROW_BYTES = 4 * len(SCORERS) + 1 + 1 + 4
_LOOK_ANSWERS = 10_000


def measure(effort: Effort) -> list[Row]:
    """Weights and trees."""
    sizes = [min(size, effort.count(size)) for size in _SIZES]
    return [row for kind in ("linear", "trees") for row in _rows(kind, sizes)]


def growth(kind: str, sizes: list[int]) -> tuple[list[Taken], float]:
    """What trainings of these sizes take, and by how many bytes a row their peaks grow."""
    taken = [_taken(size, kind) for size in sizes]
    first, last = taken[0], taken[-1]
    return taken, (last.peak_bytes - first.peak_bytes) / (last.rows - first.rows)


def _rows(kind: str, sizes: list[int]) -> list[Row]:
    taken, grown = growth(kind, sizes)
    ceiling = _looks_per_second()
    speeds = [
        rate(
            f"learn {kind} of {one.rows:,} rows | a score of each",
            one.rows / (one.reading_s + one.training_s),
            ceiling,
            "items/s",
        )
        for one in taken
    ]
    name = f"learn {kind}, peak memory a row from {sizes[0]:,} rows on | the columns alone"
    grown = max(grown, 1.0)  # of a short run it may not grow at all
    weight = Row(name=name, value=grown, unit="B/item", ceiling=ROW_BYTES, ratio=ROW_BYTES / grown)
    return [*speeds, weight]


def _looks_per_second() -> float:
    """As many as can be: their scores by the static weights."""
    examples = synthetic(_LOOK_ANSWERS, STATIC, seed=1)
    started = perf_counter()
    for batch in examples.batches():
        np.linalg.norm(batch.values @ np.array(list(STATIC.values())))
    return len(examples) / (perf_counter() - started)


def _taken(rows: int, kind: str) -> Taken:
    command = [sys.executable, "-m", "tests.bench.training_run", str(rows), kind]
    done = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Taken)
