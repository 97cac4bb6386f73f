"""`ai-engine train`: the log of answers to a learned ranker's artifact."""

from pathlib import Path
from typing import Literal

import click

from adapters.partial import whole_file
from adapters.rankers.lightgbm import grow_trees
from core.errors import EngineError
from core.learning.artifact import encode, version_of
from core.learning.boosting import train_trees
from core.learning.logged import gather
from core.learning.model import LinearModel, Model
from core.learning.training import train_linear
from core.policies.policy import SCORERS
from deploy.operate.answers import LogToLearn, days_option, log_option


@click.command()
@log_option
@days_option
@click.option(
    "--kind",
    type=click.Choice(["linear", "trees"]),
    default="linear",
    show_default=True,
    help="Weights around the static ones, or boosted trees (needs the extra `trees`).",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The artifact. It is replaced at once: a service may follow it as its RANKER_FILE.",
)
def train(log: str | None, days: int, kind: Literal["linear", "trees"], out: Path) -> None:
    """Learn how much each scorer should count, of what was opened of logged answers.

    It starts from the static weights of the environment (RANKING_WEIGHTS_*) and stays
    there without evidence. The latest fifth of the answers says how good it is.
    """
    try:
        found = LogToLearn(log)
        weights = found.settings.ranking.weights
        static = {name: float(getattr(weights, name)) for name in SCORERS}
        examples, versions = gather(found.answers(days, with_draws=False), SCORERS)
        model: Model = (
            train_linear(examples, static, versions)
            if kind == "linear"
            else train_trees(examples, static, versions, grow_trees)
        )
    except (EngineError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    with whole_file(out) as part:
        part.write_bytes(encode(model))
        part.chmod(0o644)  # a service is seldom its owner
    _tell(model, static, out)


def _tell(model: Model, static: dict[str, float], out: Path) -> None:
    training = model.training
    click.echo(f"{out}: {version_of(model)}, of {training.rows} items in {training.answers} lists")
    if isinstance(model, LinearModel):
        for name, weight in model.named().items():
            click.echo(f"  {name:16} {static[name]:+.3f} -> {weight:+.3f}")
    found = training.metrics
    if found is None:
        return
    for name, fit in (("static", found.static), ("learned", found.learned)):
        click.echo(f"  {name:8} log loss {fit.log_loss:.4f}, NDCG {fit.ndcg:.4f}")
    if found.learned.log_loss >= found.static.log_loss:
        click.echo(
            "It foretells openings no better than the static weights: leave those.", err=True
        )
