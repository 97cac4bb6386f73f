"""`ai-engine evaluate`: which of several policies does best, by the log of answers."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from adapters.plans.toml import read_plan
from adapters.rankers.watched import model_of
from adapters.settings import SharedSettings
from core.errors import ConfigError, EngineError, RejectedError
from core.evaluating.evaluate import evaluate as evaluated
from core.evaluating.report import Report
from core.evaluating.telling import (
    METHOD_NAMES,
    experiment_lines,
    interval_text,
    summary,
    verdicts,
)
from core.modelling.build import ModelBasis
from core.policies.policy import Policy
from deploy.operate.answers import LogToLearn, days_option, log_option

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
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report as a page with charts, too.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def evaluate(
    log: str | None,
    days: int,
    named: Sequence[str],
    html: Path | None,
    *,
    as_json: bool,
) -> None:
    """Say which policy does better, of lists whose order was drawn, and what experiments say.

    It takes 10,000 lists that EXPLORATION_SHARE drew for a verdict. Experiments are
    told with intervals that hold however often one looks.
    """
    try:
        found = LogToLearn(log)
        answers = found.answers(days, with_draws=True)
        static = _static(found.settings)
        policies = [static, *(_policy(one, static) for one in named)]
        report = evaluated(lambda: answers, policies, found.made_from(), seed=_SEED)
    except (EngineError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    if html is not None:
        # No other command pays for the charts.
        from deploy.operate.evaluate_page import page  # noqa: PLC0415

        html.write_text(page(report), encoding="utf-8")
    click.echo(msgspec.json.encode(report).decode() if as_json else _text(report))


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
