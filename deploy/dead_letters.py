"""`ai-engine dead-letter`: look at what could not be used, send it again, or drop it."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import click

from core.errors import EngineError
from core.ports import StoredLetter
from ingest_worker.composition import OperatorParts, ingest_settings, operator_parts

T = TypeVar("T")
_ALL = 10_000
"""Letters that `--all` takes at once."""


@click.group("dead-letter")
def dead_letter() -> None:
    """Events that could not be used, with their reasons (needs REDIS_URL)."""


@dead_letter.command("list")
@click.option("--limit", type=click.IntRange(1, _ALL), default=20, show_default=True)
@click.option("--reason", help="Only letters with this reason.")
@click.option("--json", "as_json", is_flag=True, help="As JSON Lines.")
def list_letters(limit: int, reason: str | None, *, as_json: bool) -> None:
    """The latest letters, newest first, and how many of each reason."""
    latest = _with_parts(lambda parts: parts.dead_letters.latest(limit=_ALL if reason else limit))
    chosen = [one for one in latest if reason in (None, one.letter.reason)][:limit]
    for one in chosen:
        shown = _head(one)
        click.echo(
            json.dumps(shown) if as_json else "  ".join(str(part) for part in shown.values())
        )
    if not as_json:
        counts = Counter(one.letter.reason for one in chosen)
        summary = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        click.echo(summary or "no dead letters", err=True)


@dead_letter.command()
@click.argument("letter_id")
def show(letter_id: str) -> None:
    """The whole event of one letter, as it came."""
    [one] = _with_parts(lambda parts: _chosen(parts, [letter_id], everything=False))
    click.echo(json.dumps(_head(one)), err=True)
    click.echo(one.letter.body.decode("utf-8", "replace"))


@dead_letter.command()
@click.argument("letter_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help=f"The latest {_ALL:,} letters.")
def replay(letter_ids: Sequence[str], *, everything: bool) -> None:
    """Send letters through the pipeline again, after what was wrong is mended."""

    async def send(parts: OperatorParts) -> int:
        letters = await _chosen(parts, letter_ids, everything=everything)
        for one in letters:
            await parts.stream.enqueue(one.letter.body, call_type=one.letter.call_type)
            # Dropped one by one: an end in between sends one letter twice, and loses none.
            await parts.dead_letters.drop([one.letter_id])
        return len(letters)

    click.echo(f"{_with_parts(send)} sent again")


@dead_letter.command()
@click.argument("letter_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help=f"The latest {_ALL:,} letters.")
def drop(letter_ids: Sequence[str], *, everything: bool) -> None:
    """Remove letters for good."""

    async def remove(parts: OperatorParts) -> int:
        letters = await _chosen(parts, letter_ids, everything=everything)
        return await parts.dead_letters.drop([one.letter_id for one in letters])

    click.echo(f"{_with_parts(remove)} dropped")


def _head(one: StoredLetter) -> dict[str, Any]:
    return {
        "letter_id": one.letter_id,
        "reason": one.letter.reason,
        "message_id": one.letter.message_id,
        "entry_id": one.letter.entry_id,
        "bytes": len(one.letter.body),
    }


async def _chosen(
    parts: OperatorParts, letter_ids: Sequence[str], *, everything: bool
) -> Sequence[StoredLetter]:
    """The letters that are meant, all of which must be there."""
    if everything:
        return list(reversed(await parts.dead_letters.latest(limit=_ALL)))
    if not letter_ids:
        raise click.UsageError("name letters by their ids, or take --all")
    found = await parts.dead_letters.find(letter_ids)
    missing = set(letter_ids) - {one.letter_id for one in found}
    if missing:
        raise click.ClickException(f"there is no dead letter {', '.join(sorted(missing))}")
    return found


def _with_parts(work: Callable[[OperatorParts], Awaitable[T]]) -> T:
    async def run() -> T:
        async with operator_parts(ingest_settings(os.environ)) as parts:
            try:
                return await work(parts)
            except (EngineError, click.ClickException) as exc:
                failure = exc  # raised outside: a task group would wrap it
        raise failure

    try:
        return asyncio.run(run())
    except EngineError as exc:
        raise click.ClickException(str(exc)) from exc
