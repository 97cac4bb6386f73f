"""`ai-engine rebuild`: every model anew from the buffered events, by the workers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from time import monotonic

import click
import msgspec

from adapters.process import clock_ms
from deploy.operate.moments import moment, read_moment
from deploy.operate.pacing import RateLimit, progress
from deploy.operate.parts import OperatorParts, with_parts

_USERS_AT_ONCE = 500
_LOOK_EVERY_S = 0.05
_NO_WORKER_AFTER_S = 60.0


class Rebuilt(msgspec.Struct, kw_only=True):
    """What a rebuild came to."""

    since_ms: int
    users: int = 0
    fresh: int = 0
    marked: int = 0


@click.command()
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Users a second.")
@click.option(
    "--since",
    help="Leave models alone that were built at or after this moment (ISO 8601 or Unix "
    "milliseconds): how an interrupted rebuild goes on. The start of this one, unless given.",
)
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON object.")
def rebuild(rate: float | None, since: str | None, *, as_json: bool) -> None:
    """Rebuild the model of every user with buffered events (needs REDIS_URL and workers).

    For after the mathematics, its settings or the catalogue have changed.
    Every user is marked due; the workers do the rest, by their own settings,
    and this command waits until they have done it.
    """
    since_ms = clock_ms() if since is None else read_moment(since)
    if not as_json:
        click.echo(
            f"To go on after an interruption: ai-engine rebuild --since {moment(since_ms)}",
            err=True,
        )
    done = with_parts(
        lambda parts: _rebuild(
            parts, Rebuilt(since_ms=since_ms), RateLimit(rate), shown=not as_json
        )
    )
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    else:
        click.echo(f"{done.marked} of {done.users} models rebuilt, {done.fresh} were fresh")


async def _rebuild(
    parts: OperatorParts, done: Rebuilt, limit: RateLimit, *, shown: bool
) -> Rebuilt:
    total = sum([len(users) async for users in _rounds(parts)])
    with progress("models", length=total, shown=shown) as bar:
        async for users in _rounds(parts):
            old = await _with_events(parts, await _not_fresh(parts, users, done.since_ms))
            await limit.spend(len(old))
            await parts.stores.queue.mark(dict.fromkeys(old), now_ms=clock_ms())
            await _wait_for(parts, old, done.since_ms)
            done.users += len(users)
            done.marked += len(old)
            done.fresh += len(users) - len(old)
            bar.update(len(users))
    return done


async def _rounds(parts: OperatorParts) -> AsyncIterator[list[str]]:
    users: set[str] = set()
    async for user_id in parts.stores.buffer.user_ids():
        users.add(user_id)
        if len(users) == _USERS_AT_ONCE:
            yield sorted(users)
            users = set()
    if users:
        yield sorted(users)


async def _not_fresh(parts: OperatorParts, user_ids: Sequence[str], since_ms: int) -> list[str]:
    """Those without a model that was built since."""
    models = await asyncio.gather(*map(parts.stores.models.get_signals, user_ids))
    return [
        user_id
        for user_id, model in zip(user_ids, models, strict=True)
        if model is None or model.built_at_ms < since_ms
    ]


async def _with_events(parts: OperatorParts, user_ids: Sequence[str]) -> list[str]:
    """Those of whom there will be a model: with events in the window."""
    window_ms = parts.settings.model.window_ms
    windows = await parts.stores.buffer.fetch_events(user_ids, since_ms=clock_ms() - window_ms)
    return [window.user_id for window in windows if window.events]


async def _wait_for(parts: OperatorParts, user_ids: Sequence[str], since_ms: int) -> None:
    """Wait until the workers have rebuilt these, as long as they get on with it.

    Whoever else waits for a refresh does not matter: there may always be somebody.
    """
    left = list(user_ids)
    moved_s = monotonic()
    while left:
        await asyncio.sleep(_LOOK_EVERY_S)
        still = await _not_fresh(parts, left, since_ms)
        if len(still) < len(left):
            left, moved_s = still, monotonic()
        elif monotonic() - moved_s > _NO_WORKER_AFTER_S:
            raise click.ClickException(
                f"{len(left)} users wait and nobody refreshes them: is a worker running?"
            )
