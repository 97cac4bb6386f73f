"""`ai-engine simulate`: visitors that do not exist, and how the service learns from them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from adapters.logs import configure_logs
from core.errors import EngineError
from deploy.simulate.clicks import ClickModelName
from deploy.simulate.outcome import Outcome
from deploy.simulate.run import Plan, simulate
from deploy.valkey import valkey_binary


@click.command("simulate")
@click.option("--visitors", type=click.IntRange(20), default=400, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=4, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--click-model",
    type=click.Choice(["position", "cascade"]),
    default="position",
    show_default=True,
    help="How people look through a list.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the log and the ranker here, for `ai-engine evaluate`.",
)
@click.option("--evaluate", "evaluates", is_flag=True, help="Estimate the arms from the log, too.")
@click.option("--json", "as_json", is_flag=True, help="The learning curve as one JSON object.")
def simulate_command(
    visitors: int,
    rounds: int,
    seed: int,
    click_model: ClickModelName,
    folder: Path | None,
    *,
    evaluates: bool,
    as_json: bool,
) -> None:
    """Show how what is recommended gets better with what visitors do.

    Each round has so many fresh visitors, a quarter of them answered at random, by
    popularity, by the static weights, and by what was learned from the rounds
    before. They talk to processes of their own, by the webhook and the read API only.
    """
    configure_logs("auto", "warning")
    if valkey_binary() is None:
        raise click.ClickException("there is no embedded Valkey for this machine")
    plan = Plan(
        visitors=visitors,
        rounds=rounds,
        seed=seed,
        click_model=click_model,
        evaluates=evaluates,
    )
    try:
        with TemporaryDirectory(prefix="ai-engine-simulate-") as scratch:
            where = folder or Path(scratch)
            outcome = simulate(plan, where, lambda line: click.echo(line, err=True))
    except (EngineError, OSError, RuntimeError) as exc:
        raise click.ClickException(str(exc)) from exc
    click.echo(msgspec.json.encode(outcome).decode() if as_json else _table(outcome))


def _table(outcome: Outcome) -> str:
    lines = [f"{'round':5}  {'arm':8}  {'lists':>6}  openings  regret  of the best (95 %)"]
    lines += [
        f"{one.round:5}  {one.arm:8}  {one.lists:6}  {one.earns:8.3f}  {one.regret:6.3f}  "
        f"{one.share:.3f} ({one.low:.3f} to {one.high:.3f})"
        for one in outcome.curve
    ]
    if outcome.offline:
        lines += ["", "openings a list by the log (doubly robust)"]
        lines += [f"  {name:8}  {value:.3f}" for name, value in outcome.offline.items()]
    return "\n".join(lines)
