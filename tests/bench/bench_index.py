"""The index of a large catalogue and its file: building, weight, opening, searching.

Ceilings: of building, making each item's digest and document; of weight, the
vectors alone; of opening, reading the file; the searches' are in `searches`.
"""

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from adapters.snapshot.file import open_snapshot, write_snapshot
from core.index.build import BuiltIndex, build_index
from core.index.documents import encode_document
from core.index.parts import named_arrays
from tests.bench.harness import Effort, Row, latency, rate, run_async
from tests.bench.searches import measure_searches
from tests.bench.servers import scratch
from tests.stories import World

_ITEMS = 100_000
_MILLION = 1_000_000
_RELATED = 200
_RELATED_SHARE = 5
"""Neighbour lists are weighed with a fifth of the items: a list weighs the same in any number."""
_RELATED_LEAST = 1_000


def measure(effort: Effort) -> list[Row]:
    """100,000 items."""
    items = min(_ITEMS, effort.count(_ITEMS))
    return [*_measure(items, effort), _neighbours(max(_RELATED_LEAST, items // _RELATED_SHARE))]


def measure_million(effort: Effort) -> list[Row]:
    """A million items: some minutes, and some gigabytes while the index is built."""
    items = min(_MILLION, effort.count(_MILLION))
    rows = _measure(items, effort)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_bytes = peak if sys.platform == "darwin" else peak * 1024
    name = f"index of {items:,} items, peak while building | the vectors alone"
    return [*rows, _weight(name, peak_bytes / items, rows[1].ceiling)]


def _measure(items: int, effort: Effort) -> list[Row]:
    name = f"index of {items:,} items"
    with scratch() as folder:
        path = Path(folder) / "bench.snapshot"
        rows = [_build(name, items, path), *_weights(name, path), _opening(name, path, effort)]
        return rows + run_async(measure_searches(name, open_snapshot(path), effort))


def _build(name: str, items: int, path: Path) -> Row:
    """The stories are made while they are indexed; that time is taken off."""
    making_s = _seconds(lambda: sum(1 for _ in World().stories(items)))
    encoding_s = _seconds(lambda: _encode(items)) - making_s
    building_s = _seconds(lambda: write_snapshot(build_index(World().stories(items)), path))
    named = f"{name}, build and write | digests and documents"
    return rate(named, items / (building_s - making_s), items / encoding_s, "items/s")


def _encode(items: int) -> None:
    for one in World().stories(items):
        one.digest()
        encode_document(one)


def _weights(name: str, path: Path) -> list[Row]:
    index = open_snapshot(path).index
    items, vector = index.figures.items, float(index.figures.dim * 4)
    memory, words = _memory(index), _memory(index, "words.")
    return [
        _weight(f"{name}, memory | the vectors alone", memory / items, vector),
        _weight(f"{name}, memory less words | the vectors alone", (memory - words) / items, vector),
        _weight(f"{name}, file | the vectors alone", path.stat().st_size / items, vector),
    ]


def _neighbours(items: int) -> Row:
    index = build_index(World().stories(items, related=_RELATED))
    alone = index.figures.dim * 4 + _RELATED * 8
    name = f"index of {items:,} items with {_RELATED} neighbours, memory | vectors and neighbours"
    return _weight(name, _memory(index) / items, alone)


def _memory(index: BuiltIndex, prefix: str = "") -> int:
    """Bytes of what searches and ranking read: all but the documents, of which few are."""
    arrays = dict(named_arrays(index.arrays))
    return sum(
        array.nbytes
        for name, array in arrays.items()
        if name.startswith(prefix) and not name.startswith("documents.")
    )


def _weight(name: str, value: float, ceiling: float) -> Row:
    """A row where less is better. Units: bytes."""
    return Row(name=name, value=value, unit="B/item", ceiling=ceiling, ratio=ceiling / value)


def _opening(name: str, path: Path, effort: Effort) -> Row:
    opening = [_seconds(lambda: open_snapshot(path)) for _ in range(effort.repetitions)]
    reading = [_seconds(path.read_bytes) for _ in range(effort.repetitions)]
    value_ms, ceiling_ms = 1000 * float(np.median(opening)), 1000 * float(np.median(reading))
    return latency(f"{name}, open and check | reading the file", value_ms, ceiling_ms)


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
