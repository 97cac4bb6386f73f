"""What a process tells Prometheus about what it has from a shelf."""

from collections.abc import Callable
from math import nan
from time import monotonic
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from adapters.snapshot.folder import Versioned
from core.ports import ContentStore

_NAMESPACE = "ai_engine"
REFUSALS = ("damaged", "disk")

Held_contra = TypeVar("Held_contra", bound=Versioned, contravariant=True)


class ShelfMetrics(Generic[Held_contra]):
    """The numbers of what is served, of either side."""

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        """Register them under `name`."""
        self._clock_s = clock_s
        self._swapped_s = self._confirmed_s = clock_s()

        def gauge(what: str, text: str, *labelled: str) -> Gauge:
            return Gauge(f"{name}_{what}", text, labelled, namespace=_NAMESPACE, registry=registry)

        self._items = gauge("items", "Its items.")
        gauge("age_seconds", "Since it was swapped in, or since the start.").set_function(
            lambda: clock_s() - self._swapped_s
        )
        gauge(
            "unconfirmed_seconds", "Since the shelf was last asked for the version."
        ).set_function(lambda: clock_s() - self._confirmed_s)
        self._swaps = Counter(
            f"{name}_swaps",
            "How often another was swapped in.",
            namespace=_NAMESPACE,
            registry=registry,
        )
        self._refused = Counter(
            f"{name}_refused_snapshots",
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

    def swapped(self, held: Held_contra, *, items: int | None) -> None:  # noqa: ARG002
        """Another one is served, of so many items, None where nobody has counted them."""
        self._swapped_s = self._clock_s()
        self._items.set(nan if items is None else items)
        self._swaps.inc()

    def refused(self, reason: str) -> None:
        """A snapshot was not put to use."""
        self._refused.labels(reason).inc()


class CatalogueMetrics(ShelfMetrics[ContentStore]):
    """Those of the catalogue."""

    def __init__(
        self, registry: CollectorRegistry, clock_s: Callable[[], float] = monotonic
    ) -> None:
        """Register them."""
        super().__init__(registry, "catalogue", clock_s)
        self._info = Gauge(
            "catalogue_info",
            "The catalogue served.",
            ["version", "vector_space"],
            namespace=_NAMESPACE,
            registry=registry,
        )

    def swapped(self, held: ContentStore, *, items: int | None) -> None:
        """Another one is served, of so many items, None where nobody has counted them."""
        super().swapped(held, items=items)
        self._info.clear()
        self._info.labels(held.version, held.vector_space).set(1)
