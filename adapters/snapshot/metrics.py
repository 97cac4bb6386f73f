"""What a process tells Prometheus about the catalogue that it serves."""

from collections.abc import Callable
from math import nan
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge

from core.ports import ContentStore

_NAMESPACE = "ai_engine"
REFUSALS = ("damaged", "disk")


class CatalogueMetrics:
    """The catalogue's numbers, of either side."""

    def __init__(
        self, registry: CollectorRegistry, clock_s: Callable[[], float] = monotonic
    ) -> None:
        """Register them."""
        self._clock_s = clock_s
        self._swapped_s = self._confirmed_s = clock_s()

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(name, text, labels, namespace=_NAMESPACE, registry=registry)

        self._info = gauge("catalogue_info", "The catalogue served.", "version", "vector_space")
        self._items = gauge("catalogue_items", "Its items.")
        gauge("catalogue_age_seconds", "Since it was swapped in, or since the start.").set_function(
            lambda: clock_s() - self._swapped_s
        )
        gauge(
            "catalogue_unconfirmed_seconds", "Since the shelf was last asked for the version."
        ).set_function(lambda: clock_s() - self._confirmed_s)
        self._swaps = Counter(
            "catalogue_swaps", "Catalogues swapped in.", namespace=_NAMESPACE, registry=registry
        )
        self._refused = Counter(
            "catalogue_refused_snapshots",
            "Snapshots that could not be put to use, by cause.",
            ["cause"],
            namespace=_NAMESPACE,
            registry=registry,
        )
        for reason in REFUSALS:  # a series that starts at 0 shows its first increase
            self._refused.labels(reason)

    def confirmed(self) -> None:
        """The shelf has answered which version is current."""
        self._confirmed_s = self._clock_s()

    def swapped(self, store: ContentStore, *, items: int | None) -> None:
        """Another catalogue is served, of so many items, None where nobody has counted them."""
        self._swapped_s = self._clock_s()
        self._info.clear()
        self._info.labels(store.version, store.vector_space).set(1)
        self._items.set(nan if items is None else items)
        self._swaps.inc()

    def refused(self, reason: str) -> None:
        """A snapshot was not put to use."""
        self._refused.labels(reason).inc()
