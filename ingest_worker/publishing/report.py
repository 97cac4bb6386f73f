"""What a publisher says of itself: to the worker that it is a child of, and to Prometheus."""

from collections.abc import Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest_worker.counting.report import CountingReport

_PREFIX = "ai_engine_publisher"
FAILURES = ("away", "disk", "refused", "bug")


class PublisherReport(msgspec.Struct, kw_only=True):
    """Its state, and what has happened since it was started."""

    holds_lease: bool = False
    version: str = ""
    items: int = 0
    publications: int = 0
    seconds: float = 0.0
    """How long the last publication took, from the first look at the source."""
    failures: dict[str, int] = {}
    counting: CountingReport = msgspec.field(default_factory=CountingReport)

    def failed(self, kind: str) -> None:
        """A round was not finished."""
        self.failures[kind] = self.failures.get(kind, 0) + 1


class PublisherCollector(Collector):
    """Shows the latest report, and how often a publisher had to be started."""

    def __init__(self) -> None:
        """There is no report yet."""
        self.report = PublisherReport()
        self.starts = 0

    def collect(self) -> Iterator[Metric]:
        """The metrics of this moment."""
        report = self.report
        yield _gauge("holds_lease", "Whether this process publishes.", report.holds_lease)
        yield _gauge("items", "Items of the snapshot published last.", report.items)
        yield _gauge("seconds", "Time that the last publication took.", report.seconds)
        yield _counter("starts", "Publishers started by this worker.", self.starts)
        yield _counter("publications", "Snapshots published.", report.publications)
        failures = CounterMetricFamily(
            f"{_PREFIX}_failures", "Rounds not finished, by reason.", labels=["kind"]
        )
        for kind in FAILURES:  # a series that starts at 0 shows its first increase
            failures.add_metric([kind], report.failures.get(kind, 0))
        yield failures
        yield from report.counting.metrics()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", text, value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"{_PREFIX}_{name}", text, value)
