"""What a process tells Prometheus about its part of the log."""

from prometheus_client import CollectorRegistry, Counter

_KINDS = ("answers", "events")


class LogMetrics:
    """Counters by kind."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""

        def counter(name: str, text: str) -> Counter:
            made = Counter(f"log_{name}", text, ["kind"], namespace="ai_engine", registry=registry)
            for kind in _KINDS:  # a series that starts at 0 shows its first increase
                made.labels(kind)
            return made

        self._written = counter("written_rows", "Rows of the log that were written.")
        self._dropped = counter("dropped_rows", "Rows that did not fit into the queue.")
        self._failures = counter("failures", "Files that could not be written at once.")

    def written(self, kind: str, rows: int) -> None:
        """A file of so many rows is there."""
        self._written.labels(kind).inc(rows)

    def dropped(self, kind: str, rows: int) -> None:
        """There was no room for them."""
        self._dropped.labels(kind).inc(rows)

    def failed(self, kind: str) -> None:
        """The storage did not take a file; it is tried again."""
        self._failures.labels(kind).inc()
