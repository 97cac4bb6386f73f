"""`ai-engine status`: what waits where, at one look."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from adapters.process import clock_ms
from core.queues import QueueDepth, ShardState
from deploy.operate.parts import OperatorParts, with_parts


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The queues of the ingest side."""

    shards: Sequence[ShardState]
    users: QueueDepth
    dead_letters: int


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def status(*, as_json: bool) -> None:
    """What waits: the stream shard by shard, users to refresh, dead letters (needs REDIS_URL)."""
    found = with_parts(_look)
    now_ms = clock_ms()
    if as_json:
        click.echo(msgspec.json.encode(_as_json(found, now_ms)).decode())
        return
    click.echo("shard      lag  pending  consumers  oldest entry")
    for one in found.shards:
        age = "-" if one.oldest_ms is None else f"{max(now_ms - one.oldest_ms, 0) / 1000:.1f} s ago"
        click.echo(f"{one.shard:5} {one.lag:8} {one.pending:8} {one.consumers:10}  {age}")
    users = found.users
    click.echo(
        f"users: {users.pending} wait for a refresh, {users.leased} are being refreshed, "
        f"{users.booked} are booked for later"
    )
    click.echo(f"dead letters: {found.dead_letters}")


async def _look(parts: OperatorParts) -> Status:
    return Status(
        shards=await parts.stream.shards(),
        users=await parts.stores.queue.depth(),
        dead_letters=await parts.stores.dead_letters.count(),
    )


def _as_json(found: Status, now_ms: int) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(found)
    for shard, one in zip(shown["shards"], found.shards, strict=True):
        age_ms = None if one.oldest_ms is None else max(now_ms - one.oldest_ms, 0)
        shard["oldest_age_ms"] = age_ms
    return shown
