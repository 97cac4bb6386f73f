"""Which benches there are, and how their rows are shown and written."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.bench import (
    bench_collective,
    bench_freshness,
    bench_index,
    bench_qdrant,
    bench_recommend,
    bench_refresh,
    bench_serve,
    bench_training,
    bench_webhook,
    bench_worker,
)
from tests.bench.harness import Effort, Row

BENCHES: dict[str, Callable[[Effort], list[Row]]] = {
    "webhook": bench_webhook.measure,
    "worker": bench_worker.measure,
    "refresh": bench_refresh.measure,
    "index": bench_index.measure,
    "recommend": bench_recommend.measure,
    "collective": bench_collective.measure,
    "qdrant": bench_qdrant.measure,
    "serve": bench_serve.measure,
    "freshness": bench_freshness.measure,
    "million": bench_index.measure_million,
    "training": bench_training.measure,
}
ON_DEMAND = frozenset({"million", "training"})
"""Run only where they are asked for by their names: they take many minutes."""


def run_benches(
    only: str, effort: Effort, output: Path, *, say: Callable[[str], object]
) -> list[Row]:
    """Run the benches whose name contains `only`; write and return their rows."""
    rows: list[Row] = []
    for name, measure in BENCHES.items():
        if only == name or (only in name and name not in ON_DEMAND):
            say(f"measuring {name} ...")
            rows += measure(effort)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows for a reader; behind the bar of a name stands what the ceiling is."""
    width = max((len(row.name) for row in rows), default=0)
    head = f"{'measured | ceiling':{width}}  {'value':>11}  {'ceiling':>11}  {'unit':10}  ratio"
    lines = [
        f"{row.name:{width}}  {_number(row.value):>11}  {_number(row.ceiling):>11}"
        f"  {row.unit:10}  {row.ratio:5.2f}"
        for row in rows
    ]
    return "\n".join([head, "-" * len(head), *lines])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3f}"
