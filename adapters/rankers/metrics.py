"""What is shown of learned rankers and of answers that are made in shadow, for Prometheus."""

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from core.log_names import SHADOW_FAILED
from core.policies.experiments import Variant
from core.recommendation import Recommendation

_PREFIX = "ai_engine"
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_log = structlog.get_logger()


class RankerMetrics:
    """Whether what was learned ranks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self._is_current = Gauge(
            "ranker_file_current",
            "1 while what ranks is what RANKER_FILE holds now.",
            namespace=_PREFIX,
            registry=registry,
        )
        self._is_learned = Gauge(
            "ranker_learned",
            "1 while a learned ranker ranks, 0 while the static weights do.",
            namespace=_PREFIX,
            registry=registry,
        )
        self._learned_to = Gauge(
            "ranker_learned_to_timestamp_seconds",
            "Up to when the log was learned from.",
            namespace=_PREFIX,
            registry=registry,
        )

    def taken(self, to_ms: int) -> None:
        """What the file holds ranks, learned from the log up to then."""
        self._is_current.set(1)
        self._is_learned.set(1)
        self._learned_to.set(to_ms / 1000)

    def refused(self) -> None:
        """What the file holds cannot be used."""
        self._is_current.set(0)


class ShadowMetrics:
    """A `ShadowReport` in numbers: how many were made, and how like the shown ones they are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them. Labels are names in the operator's own file."""
        self._made = Counter(
            "shadow_answers",
            "Answers that were made and not shown, by what became of them.",
            ["experiment", "variant", "outcome"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._overlap = Histogram(
            "shadow_overlap",
            "Share of a shown list's items that the shadow's list has too.",
            ["experiment", "variant"],
            buckets=_SHARES,
            namespace=_PREFIX,
            registry=registry,
        )

    def made(
        self, experiment: str, shadow: Variant, shown: Recommendation, other: Recommendation
    ) -> None:
        """Count it."""
        self._made.labels(experiment, shadow.name, "made").inc()
        own = {item.content_id for item in shown.items}
        if own:
            both = own.intersection(item.content_id for item in other.items)
            self._overlap.labels(experiment, shadow.name).observe(len(both) / len(own))

    def failed(self, experiment: str, shadow: Variant, error: Exception) -> None:
        """Count it, and say what went wrong."""
        self._made.labels(experiment, shadow.name, "failed").inc()
        _log.error(SHADOW_FAILED, experiment=experiment, variant=shadow.name, error=repr(error))
