"""Says a report in words that need no statistics, with the numbers behind them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from core.evaluating.estimators import Interval
from core.evaluating.online import Uplift
from core.evaluating.report import ExperimentReport, Report
from core.evaluating.verdict import span_of

METHOD_NAMES = {
    "dr": "doubly robust",
    "snips": "reweighted (SNIPS)",
    "rips": "reweighted from the top (RIPS)",
}


def summary(report: Report) -> Iterator[str]:
    """What the log holds."""
    if not report.answers:
        yield "The log holds no answer of that time."
        return
    yield (
        f"{_day(report.from_ms)} to {_day(report.to_ms)}: {report.answers} lists, "
        f"{report.opened / report.answers:.4f} openings a list."
    )
    yield f"{report.explored} lists were drawn to learn from, {report.weighed} of them are weighed."
    for why, count in sorted(report.left_out.items()):
        yield f"{count} were left out: {why}."


def verdicts(report: Report) -> Iterator[str]:
    """What follows of each policy."""
    for policy in report.policies:
        if policy.verdict is not None:
            yield policy.verdict.sentence


def uplift_sentence(one: Uplift, first: str) -> str:
    """What follows of a variant, of the people so far; one may look at any time."""
    if one.more is None:
        return f"{one.variant}: of {one.people} people nothing is to be said against {first} yet."
    span = span_of(one.more)
    if one.more.low > 0:
        return f"{one.variant} does better than {first}: {span}."
    if one.more.high < 0:
        return f"{one.variant} does worse than {first}: {span}."
    return f"Between {one.variant} and {first} no difference is to be seen yet: {span}."


def experiment_lines(experiment: ExperimentReport) -> Iterator[str]:
    """The variants, and what follows of each."""
    first = experiment.variants[0]
    for one in experiment.variants:
        yield f"{one.variant}: {one.people} people, {one.earns:.4f} openings a list"
    for one in experiment.variants[1:]:
        yield uplift_sentence(one, first.variant)


def interval_text(one: Interval) -> str:
    """The estimate with where it may lie."""
    return f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})"


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
