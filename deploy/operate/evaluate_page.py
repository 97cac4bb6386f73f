"""A report as one HTML page with its charts in it; looking at it asks nobody for anything."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from html import escape

import pygal
from pygal import PluginImportFixer
from pygal.style import LightSolarizedStyle

from core.evaluating.estimators import Interval
from core.evaluating.report import ExperimentReport, PolicyReport, Report
from core.evaluating.telling import (
    METHOD_NAMES,
    experiment_lines,
    interval_text,
    summary,
    verdicts,
)

# It would be asked about every import from now on, in a way that Python has given up.
sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, PluginImportFixer)]

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "figure{margin:0}"
    "table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left}"
)
_BAR, _FRAME = 40, 120
"""Height of a chart's bar, and of what is around them. Units: pixels."""


def page(report: Report) -> str:
    """The whole page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Evaluation</title><style>{_STYLE}</style></head><body>"
        f"<h1>Evaluation</h1>{_paragraphs(summary(report))}"
        f"{''.join(_policies(report.policies, verdicts(report)))}"
        f"{''.join(part for one in report.experiments for part in _experiment(one))}"
        "</body></html>\n"
    )


def _policies(policies: Sequence[PolicyReport], said: Iterable[str]) -> Iterator[str]:
    yield f"<h2>Policies, on lists that were shown</h2>{_paragraphs(said)}"
    drawn = [(one.name, one.estimates[0].earns) for one in policies if one.estimates]
    if not drawn:
        return
    yield _chart("Openings a list, with where 95 % of resampled people put it", drawn)
    yield "<table><tr><th>policy<th>method<th>openings a list<th>more than the first<th>as good as"
    for policy in policies:
        for one in policy.estimates:
            yield (
                f"<tr><td>{escape(policy.name)}<td>{METHOD_NAMES[one.method]}"
                f"<td>{interval_text(one.earns)}<td>{interval_text(one.more)}"
                f"<td>{one.effective_slates:.0f} lists of its own"
            )
    yield "</table>"


def _experiment(one: ExperimentReport) -> Iterator[str]:
    yield f"<h2>Experiment {escape(one.name)}</h2>{_paragraphs(experiment_lines(one))}"
    drawn = [(variant.variant, variant.more) for variant in one.variants if variant.more]
    if drawn:
        yield _chart("Openings a list more, with an interval that holds at every look", drawn)


def _paragraphs(lines: Iterable[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _chart(title: str, bars: Sequence[tuple[str, Interval]]) -> str:
    chart = pygal.HorizontalBar(
        js=[],
        title=title,
        style=LightSolarizedStyle,
        disable_xml_declaration=True,
        explicit_size=True,
        width=720,
        height=_FRAME + _BAR * len(bars),
        # Else it would be that of the bars, and intervals would be cut off.
        range=(min(0.0, *(one.low for _, one in bars)), max(0.0, *(one.high for _, one in bars))),
    )
    for name, one in bars:
        chart.add(name, [{"value": one.value, "ci": {"low": one.low, "high": one.high}}])
    return f"<figure>{chart.render(is_unicode=True)}</figure>"
