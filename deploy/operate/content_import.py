"""`ai-engine content import`: a curator's file becomes the catalogue."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from adapters.catalogue.choose import Chosen, choose_mapping
from adapters.catalogue.mapping import write_mapping
from core.errors import EngineError
from deploy.operate.content_parts import catalogue_option, json_option, with_settings
from deploy.operate.import_work import Imported, ImportOrder, Problems, bring

_SHOWN = 20


@click.command("import")
@click.argument(
    "source", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@catalogue_option
@click.option(
    "--mapping",
    "mapping_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file that says which column is what, as --print-mapping writes it.",
)
@click.option(
    "--map",
    "options",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="One field of the mapping: title=name, tags.theme=keywords, place= for none; repeatable.",
)
@click.option("--print-mapping", is_flag=True, help="Print the mapping as TOML and do nothing.")
@click.option("--dry-run", is_flag=True, help="Say what would be done and do nothing.")
@click.option("--prune", is_flag=True, help="Remove the items that FILE does not have.")
@click.option(
    "--new-embedder",
    is_flag=True,
    help="Build the catalogue anew with other vectors beside the served one, then swap.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 10_000),
    default=256,
    show_default=True,
    help="Rows written at once.",
)
@click.option(
    "--problems",
    "problem_file",
    type=click.File("w", lazy=False),
    help="Write every problem into this file.",
)
@json_option
def import_file(
    source: Path,
    file: Path | None,
    mapping_file: Path | None,
    options: Sequence[str],
    batch: int,
    problem_file: IO[str] | None,
    **flags: bool,
) -> None:
    """Bring the items of FILE into the catalogue.

    FILE is CSV, TSV or JSON Lines, plain or gzipped. Which column is what is
    guessed from names and values, and printed. Rows that cannot be used are
    named and left out; then the exit code is 1. What is there already is
    neither written nor embedded again, so an import that was interrupted is
    simply started again.
    """
    chosen, as_json = _chosen(source, mapping_file, options), flags.pop("as_json")
    if flags.pop("print_mapping"):
        click.echo(_toml(chosen))
        return
    if chosen.is_guessed and not as_json:
        click.echo("# Guessed. To keep and to edit it: --print-mapping > FILE.toml", err=True)
        click.echo(_toml(chosen), err=True)
    problems = Problems(problem_file)
    order = ImportOrder(
        source=source, chosen=chosen, into=file, batch=batch, shown=not as_json, **flags
    )
    done = with_settings(lambda settings: bring(order, problems, settings))
    if as_json:
        click.echo(msgspec.json.encode(_as_json(order, done, problems)).decode())
    else:
        _tell(done, problems)
    raise SystemExit(1 if problems.count else 0)


def _chosen(source: Path, mapping_file: Path | None, options: Sequence[str]) -> Chosen:
    try:
        return choose_mapping(source, mapping_file, options)
    except EngineError as exc:
        raise click.ClickException(str(exc)) from exc


def _toml(chosen: Chosen) -> str:
    if chosen.mapping is None:
        return "# JSON Lines in the project's own form: no mapping is needed."
    return write_mapping(
        chosen.mapping, (f"not used: {name}: {why}" for name, why in chosen.left_out.items())
    )


def _as_json(order: ImportOrder, imported: Imported, problems: Problems) -> dict[str, Any]:
    plan = msgspec.to_builtins(imported.plan)
    del plan["hidden"]
    return {
        "file": str(order.source),
        "mapping": order.chosen.mapping,
        "guessed": order.chosen.is_guessed,
        "plan": plan,
        "done": imported.done,
        "pruned": imported.pruned,
        "problem_count": problems.count,
        "problems": problems.first,
        "seconds": round(imported.seconds, 3),
    }


def _tell(imported: Imported, problems: Problems) -> None:
    plan, done = imported.plan, imported.done
    for problem in problems.first[:_SHOWN]:
        click.echo(str(problem), err=True)
    if problems.count > _SHOWN:
        click.echo(f"and {problems.count - _SHOWN} problems more: --problems FILE", err=True)
    if plan.is_mixed:
        click.echo(
            "only some items bring a vector, or of different lengths: all are embedded", err=True
        )
    click.echo(
        f"{plan.items} items: {plan.new} new, {plan.changed} changed, {plan.unchanged} unchanged; "
        f"{plan.embeds} to embed as {plan.vector_space}; {problems.count} rows left out"
    )
    if plan.removed:
        click.echo(_told_removed(imported, problems))
    if done is None:
        click.echo("nothing was written (--dry-run)")
        return
    click.echo(
        f"{done.written} written, {done.embedded} embedded, {done.removed} removed "
        f"in {imported.seconds:.1f} s"
    )


def _told_removed(imported: Imported, problems: Problems) -> str:
    removed = imported.plan.removed
    listed = ", ".join(removed[:_SHOWN]) + (", ..." if len(removed) > _SHOWN else "")
    if imported.pruned:
        fate = "are removed"
    elif problems.count:
        fate = "stay as long as rows are left out, for a broken row may be theirs"
    else:
        fate = "stay; --prune removes them"
    return f"{len(removed)} items are not in the file and {fate}: {listed}"
