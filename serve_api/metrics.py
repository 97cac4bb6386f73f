"""What the read API counts and times, for Prometheus. Labels have closed sets of values."""

from typing import get_args

from msgspec import UNSET
from prometheus_client import CollectorRegistry, Counter, Histogram

from core.recommendation import Away, Recommendation

_PREFIX = "ai_engine"
_ANSWER_SECONDS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_AGE_SECONDS = (1, 5, 30, 60, 300, 1800, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)


class ServeMetrics:
    """The read API's numbers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them."""
        self.answers = Counter(
            "answers",
            "Answers by route and status.",
            ["route", "status"],
            namespace=_PREFIX,
            registry=registry,
        )
        self.seconds = Histogram(
            "answer_seconds",
            "From a request to its answer, by route.",
            ["route"],
            buckets=_ANSWER_SECONDS,
            namespace=_PREFIX,
            registry=registry,
        )
        self._recommendations = Counter(
            "recommendations",
            "Recommendations by strategy: the share of the cold ones is that of strangers.",
            ["strategy"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._degraded = Counter(
            "degraded_answers",
            "Recommendations that were made without something that was away.",
            ["away"],
            namespace=_PREFIX,
            registry=registry,
        )
        for away in get_args(Away):
            self._degraded.labels(away)
        self._by_variant = Counter(
            "experiment_answers",
            "Recommendations to those who are in an experiment, by what they got.",
            ["experiment", "variant"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._explored = Counter(
            "explored_answers",
            "Recommendations whose order was drawn, by how.",
            ["kind"],
            namespace=_PREFIX,
            registry=registry,
        )
        self._event_age = Histogram(
            "served_event_age_seconds",
            "Age of the newest event in the model of an answer.",
            buckets=_AGE_SECONDS,
            namespace=_PREFIX,
            registry=registry,
        )
        self._model_age = Histogram(
            "served_model_age_seconds",
            "Time since the model of an answer was built.",
            buckets=_AGE_SECONDS,
            namespace=_PREFIX,
            registry=registry,
        )

    def recommended(self, answer: Recommendation, *, now_ms: int) -> None:
        """Count an answer, and how fresh what it was made from is."""
        self._recommendations.labels(answer.strategy).inc()
        for away in answer.degraded:
            self._degraded.labels(away).inc()
        found = answer.diagnostics
        if found.experiment is not UNSET:
            self._by_variant.labels(found.experiment.name, found.experiment.variant).inc()
        if found.exploration is not UNSET:
            self._explored.labels(found.exploration.kind).inc()
        if found.model_age_ms is not None:
            self._model_age.observe(found.model_age_ms / 1000)
        if found.newest_event_ms is not None:
            self._event_age.observe(max(now_ms - found.newest_event_ms, 0) / 1000)
