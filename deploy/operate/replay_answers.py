"""`ai-engine replay-answers`: makes every logged answer again, and counts what differs."""

import asyncio
import os
from collections import Counter

import click
import msgspec

from adapters.open_log import answer_replays
from adapters.parquet.replays import ParquetReplays
from adapters.process import clock_ms
from adapters.settings import SharedSettings, read_settings
from core.errors import ConfigError, RejectedError

_MS_PER_DAY = 86_400_000
_SHOWN = 20


class ReplayCounts(msgspec.Struct, kw_only=True):
    """What came of it. `not_kept`: what the answer was made from is gone, by REPLAY_DAYS."""

    identical: int = 0
    different: int = 0
    not_kept: int = 0
    examples: list[str] = []


@click.command("replay-answers")
@click.option("--days", type=click.IntRange(1), help="Only those of so many days.")
@click.option("--json", "as_json", is_flag=True, help="The counts as one JSON object.")
def replay_answers(days: int | None, *, as_json: bool) -> None:
    """Make every answer in the log of LOG_URL again and compare every byte.

    The exit code is 1 where one differs.
    """
    try:
        replays = answer_replays(read_settings(SharedSettings, os.environ))
    except ConfigError as exc:
        raise click.ClickException(str(exc)) from exc
    if replays is None:
        raise click.ClickException("LOG_URL is unset: no answers are recorded")
    since_ms = 0 if days is None else clock_ms() - days * _MS_PER_DAY
    try:
        counts = asyncio.run(_replay(replays, since_ms))
    except OSError as exc:
        raise click.ClickException(f"the log cannot be read: {exc}") from exc
    if as_json:
        click.echo(msgspec.json.encode(counts).decode())
    else:
        for line in counts.examples:
            click.echo(line)
        click.echo(
            f"{counts.identical} identical, {counts.different} different, "
            f"{counts.not_kept} not kept"
        )
    raise SystemExit(1 if counts.different else 0)


async def _replay(replays: ParquetReplays, since_ms: int) -> ReplayCounts:
    counts, gone = ReplayCounts(), Counter[str]()
    for entry in replays.entries(since_ms=since_ms):
        try:
            found = await replays.again(entry)
        except RejectedError as exc:
            counts.not_kept += 1
            gone[str(exc)] += 1
        else:
            counts.identical += found.identical
            counts.different += not found.identical
            if not found.identical and len(counts.examples) < _SHOWN:
                counts.examples.append(f"different: {entry.request_id} {found.differences}")
    counts.examples += [f"{times} answers: {why}" for why, times in gone.most_common(_SHOWN)]
    return counts
