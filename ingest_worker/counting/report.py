"""What the counting of views says of itself, to Prometheus and by way of a publisher's report."""

from collections.abc import Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_PREFIX = "ai_engine_popularity"


class CountingReport(msgspec.Struct, kw_only=True):
    """The latest count, zeros before the first, and how many were not finished."""

    counted_at_ms: int = 0
    seconds: float = 0.0
    """How long it took, of which nine tenths were rest."""
    visitors: int = 0
    events: int = 0
    items: int = 0
    failures: int = 0

    def metrics(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        counted_s = self.counted_at_ms / 1000
        yield _gauge("counted_timestamp_seconds", "When views were counted last.", counted_s)
        yield _gauge(
            "count_seconds", "Time that the last count took, rests included.", self.seconds
        )
        yield _gauge("visitors", "Visitors whose views were counted last.", self.visitors)
        yield _gauge("events", "Events by which they were.", self.events)
        yield _gauge("items", "Items with views.", self.items)
        yield CounterMetricFamily(f"{_PREFIX}_failures", "Counts not finished.", self.failures)


class CountingCollector(Collector):
    """Shows a report of this process."""

    def __init__(self, report: CountingReport) -> None:
        """Keep the report."""
        self._report = report

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        return self._report.metrics()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", text, value)
