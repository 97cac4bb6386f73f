"""`ai-engine evaluate`: which of several policies does best, by the log of answers."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from adapters.contents import open_searched_catalogue
from adapters.plans.toml import read_plan
from adapters.rankers.watched import model_of
from adapters.settings import SharedSettings, read_settings
from core.errors import ConfigError, EngineError, RejectedError
from core.evaluating.evaluate import evaluate as evaluated
from core.evaluating.report import Report
from core.evaluating.slates import VectorsOf
from core.evaluating.telling import (
    METHOD_NAMES,
    experiment_lines,
    interval_text,
    summary,
    verdicts,
)
from core.modelling.build import ModelBasis
from core.policies.policy import Policy
from core.vectors import GridMatrix
from deploy.operate.answers import AnswerLog, days_option, log_option
from deploy.operate.evaluate_page import page

_SEED = 1


@click.command()
@log_option
@days_option
@click.option(
    "--policy",
    "named",
    multiple=True,
    metavar="NAME=FILE",
    help="An artifact of `ai-engine train` to set against the static weights; repeatable.",
)
@click.option(
    "--catalogue",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The catalogue of the answers; that of the settings unless it is given.",
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report as a page with charts, too.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def evaluate(
    log: Path,
    days: int | None,
    named: Sequence[str],
    catalogue: Path | None,
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    """Say which policy does better, of lists whose order was drawn, and what experiments say.

    It takes 10,000 lists that EXPLORATION_SHARE drew for a verdict. Experiments are
    told with intervals that hold however often one looks.
    """
    try:
        settings = read_settings(SharedSettings, os.environ)
        policies = [_static(settings), *(_policy(one, _static(settings)) for one in named)]
        with _opened(settings, catalogue) as vectors_of:
            report = evaluated(AnswerLog(log, days), policies, vectors_of, seed=_SEED)
    except EngineError as exc:
        raise click.ClickException(str(exc)) from exc
    if html is not None:
        html.write_text(page(report), encoding="utf-8")
    click.echo(msgspec.json.encode(report).decode() if as_json else _text(report))


@contextmanager
def _opened(settings: SharedSettings, file: Path | None) -> Iterator[VectorsOf]:
    """The vectors of the catalogue's items."""
    with asyncio.Runner() as runner:
        opening = open_searched_catalogue(settings, file)
        contents = runner.run(opening.__aenter__()).edition()

        def vectors_of(ids: Sequence[str]) -> GridMatrix | None:
            rows = runner.run(contents.rows(ids))
            return rows.vectors if rows.ids == list(ids) else None

        try:
            yield vectors_of
        finally:
            runner.run(opening.__aexit__(None, None, None))


def _static(settings: SharedSettings) -> Policy:
    basis = ModelBasis.of(read_plan(settings.event_plan), settings.model)
    return Policy(config=settings.ranking, config_version=basis.config_version)


def _policy(named: str, static: Policy) -> Policy:
    """Raises: ConfigError naming what is wrong."""
    name, _, path = named.partition("=")
    if not name or not path or name == static.name:
        raise ConfigError(f"--policy {named!r}: write NAME=FILE, with another name than static")
    try:
        model = model_of(Path(path).read_bytes())
    except OSError as exc:
        raise ConfigError(f"--policy {named!r}: {exc.strerror}") from None
    except RejectedError as exc:
        raise ConfigError(f"--policy {named!r}: {exc}") from None
    return msgspec.structs.replace(static.with_model(model), name=name)


def _text(report: Report) -> str:
    lines = [*summary(report), "", *verdicts(report)]
    for policy in report.policies:
        lines += [
            f"  {policy.name:16} {METHOD_NAMES[one.method]:30} {interval_text(one.earns)}"
            f"  as good as {one.effective_slates:.0f} lists of its own"
            for one in policy.estimates
        ]
    for experiment in report.experiments:
        lines += ["", f"Experiment {experiment.name}", *experiment_lines(experiment)]
    return "\n".join(lines)
