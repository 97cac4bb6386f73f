"""What was measured, as tables."""

from collections.abc import Iterator, Mapping

from tests.quality.metrics import Figures
from tests.quality.run import Outcome
from tests.quality.targets import Target


def report(outcome: Outcome) -> str:
    """Everything, the targets last."""
    lines = [
        _tuned(outcome),
        "learned: " + ", ".join(f"{name} {w:.3f}" for name, w in outcome.weights.items()),
        *_figures("whole history", outcome.within_visit),
        *_figures("history of earlier visits (next visit)", outcome.next_visit),
        *_scarce(outcome.scarce),
        "",
        *map(_target, outcome.targets),
    ]
    return "\n".join(lines)


def _tuned(outcome: Outcome) -> str:
    tuned = outcome.tuned
    return (
        f"tuned: popularity {tuned.popularity_half_life:g} days; EASE lambda "
        f"{tuned.plain_regularization:g}; EASE, recency lambda {tuned.regularization:g}, "
        f"half-life {tuned.half_life:g} likes, floor {tuned.floor:g}"
    )


def _figures(title: str, every: Mapping[str, Figures]) -> Iterator[str]:
    one = next(iter(every.values()))
    yield ""
    yield f"{title}: {one.events} events of {one.users} users"
    yield f"{'':24} HR@10  NDCG@10 (95 % by users)   MRR@10  coverage  ILD"
    for name, own in every.items():
        yield (
            f"{name:24} {own.hit_rate:.3f}  {own.ndcg:.4f}  ({own.low:.4f} to {own.high:.4f})  "
            f"{own.mrr:.4f}  {own.coverage:.3f}     {own.ild:.3f}"
        )


def _scarce(every: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    names = list(next(iter(every.values())))
    yield ""
    yield "NDCG@10 with statistics of a part, on an eighth of the events"
    yield f"{'':28}" + "  ".join(f"{name:>20}" for name in names)
    for sample, found in every.items():
        yield f"{sample:28}" + "  ".join(f"{found[name]:>20.4f}" for name in names)


def _target(one: Target) -> str:
    said = "reached" if one.reached else "NOT REACHED"
    interval = "" if one.low is None else f"  ({one.low:.3f} to {one.high:.3f})"
    return f"{said:12} {one.name:52} {one.value:.3f} of {one.least:.2f}{interval}"
