"""`ai-engine dead-letter`: look at what could not be used, send it again, or drop it."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from core.queues import StoredLetter
from deploy.operate.moments import moment
from deploy.operate.parts import OperatorParts, with_parts

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
    """The latest letters, newest first, and how many of each reason they have."""
    latest = with_parts(
        lambda parts: parts.stores.dead_letters.latest(limit=_ALL if reason else limit)
    )
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
    [one] = with_parts(lambda parts: _chosen(parts, [letter_id], everything=False))
    click.echo(json.dumps(_head(one)), err=True)
    click.echo(one.letter.body.decode("utf-8", "replace"))


@dead_letter.command()
@click.argument("letter_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help=f"The latest {_ALL:,} letters.")
def replay(letter_ids: Sequence[str], *, everything: bool) -> None:
    """Send letters through the pipeline again, after what was wrong is mended."""
    _require_choice(letter_ids, everything=everything)

    async def send(parts: OperatorParts) -> int:
        letters = await _chosen(parts, letter_ids, everything=everything)
        for one in letters:
            letter = one.letter
            await parts.stream.enqueue(
                letter.body, call_type=letter.call_type, received_ms=letter.received_ms
            )
            # Dropped one by one: an end in between sends one letter twice, and loses none.
            await parts.stores.dead_letters.drop([one.letter_id])
        return len(letters)

    click.echo(f"{with_parts(send)} sent again")


@dead_letter.command()
@click.argument("letter_ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help=f"The latest {_ALL:,} letters.")
def drop(letter_ids: Sequence[str], *, everything: bool) -> None:
    """Remove letters for good."""
    _require_choice(letter_ids, everything=everything)

    async def remove(parts: OperatorParts) -> int:
        letters = await _chosen(parts, letter_ids, everything=everything)
        return await parts.stores.dead_letters.drop([one.letter_id for one in letters])

    click.echo(f"{with_parts(remove)} dropped")


def _head(one: StoredLetter) -> dict[str, Any]:
    return {
        "letter_id": one.letter_id,
        "reason": one.letter.reason,
        "message_id": one.letter.message_id,
        "entry_id": one.letter.entry_id,
        "received": moment(one.letter.received_ms),
        "given_up": moment(one.given_up_ms),
        "deliveries": one.letter.deliveries,
        "bytes": len(one.letter.body),
    }


def _require_choice(letter_ids: Sequence[str], *, everything: bool) -> None:
    if everything == bool(letter_ids):
        raise click.UsageError("name letters by their ids or take --all, and not both")


async def _chosen(
    parts: OperatorParts, letter_ids: Sequence[str], *, everything: bool
) -> Sequence[StoredLetter]:
    """The letters that are meant, all of which must be there."""
    if everything:
        return list(reversed(await parts.stores.dead_letters.latest(limit=_ALL)))
    found = await parts.stores.dead_letters.find(letter_ids)
    missing = set(letter_ids) - {one.letter_id for one in found}
    if missing:
        raise click.ClickException(f"there is no dead letter {', '.join(sorted(missing))}")
    return found
