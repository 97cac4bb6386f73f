"""The benches still run: a few hundred operations of each, and not a word about time."""

from math import isfinite
from pathlib import Path

import msgspec
import pytest

from deploy.valkey import valkey_binary
from tests.bench.bench_training import ROW_BYTES, growth
from tests.bench.harness import Effort, Row, latency, percentile, rate
from tests.bench.suite import BENCHES, run_benches, table

_SHORT = Effort(seconds=0.04, repetitions=1, visitors=3)
_UNITS = {"requests/s", "events/s", "users/s", "answers/s", "items/s", "B/item", "share", "ms"}

needs_valkey = pytest.mark.skipif(
    valkey_binary() is None, reason="there is no Valkey server for this machine"
)


@needs_valkey
@pytest.mark.parametrize(
    "name", ["webhook", "worker", "refresh", "index", "collective", "qdrant", "serve", "freshness"]
)
def test_a_short_run_writes_rows_of_the_promised_shape(name: str, tmp_path: Path) -> None:
    output = tmp_path / "build" / "bench.json"
    said: list[str] = []
    rows = run_benches(name, _SHORT, output, say=said.append)
    assert msgspec.json.decode(output.read_bytes(), type=list[Row]) == rows
    assert set(msgspec.json.decode(output.read_bytes())[0]) == set(Row.__struct_fields__)
    assert said == [f"measuring {name} ..."]
    assert rows
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert " | " in row.name
        assert row.unit in _UNITS
        assert row.ceiling > 0
        assert isfinite(row.ratio)
        if "CPU added" not in row.name:  # a difference, which so short a run may miss
            assert row.value > 0
            assert row.ratio > 0
        assert row.name in table(rows)


def test_a_ratio_is_one_at_the_ceiling_whichever_way_is_better() -> None:
    assert rate("r", 50.0, 100.0, "events/s").ratio == 0.5
    assert latency("l", 4.0, 2.0).ratio == 0.5
    assert rate("r", 7.0, 7.0, "events/s").ratio == latency("l", 7.0, 7.0).ratio == 1.0


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert percentile(values, 50) == 50.0
    assert percentile(values, 99) == 99.0
    assert percentile([3.0], 99) == 3.0


def test_every_bench_can_be_asked_for_by_its_name_alone() -> None:
    for name in BENCHES:
        assert [other for other in BENCHES if name in other] == [name]


def test_a_training_grows_with_the_log_by_little_more_than_its_columns() -> None:
    """Ten million rows at three times their columns are some 2 GB."""
    _, grown = growth("linear", [100_000, 300_000])
    assert grown < 3 * ROW_BYTES
