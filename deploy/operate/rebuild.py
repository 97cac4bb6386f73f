"""`ai-engine rebuild`: every model anew from the buffered events, by the workers."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import click
import msgspec

from adapters.process import clock_ms
from core.errors import RetryableError
from deploy.operate.moments import moment, read_moment
from deploy.operate.pacing import RateLimit, progress
from deploy.operate.parts import OperatorParts, with_parts

_USERS_AT_ONCE = 200
_LOOK_EVERY_S = 0.1
_SHOWN = 20


class Rebuilt(msgspec.Struct, kw_only=True):
    """What a rebuild came to."""

    since_ms: int
    users: int = 0
    fresh: int = 0
    marked: int = 0
    failed: list[str] = []
    """Users whose model did not come, although those of others did."""


@click.command()
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Users a second.")
@click.option(
    "--since",
    help="Leave models alone that were built at or after this moment (ISO 8601 or Unix "
    "milliseconds): how an interrupted rebuild goes on. The start of this one, unless given.",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds in which a worker must do something.",
)
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON object.")
def rebuild(rate: float | None, since: str | None, patience: float, *, as_json: bool) -> None:
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
            parts, Rebuilt(since_ms=since_ms), RateLimit(rate), patience, shown=not as_json
        )
    )
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    else:
        for user_id in done.failed[:_SHOWN]:
            click.echo(f"not rebuilt, see the workers' logs: {user_id}")
        rebuilt = done.marked - len(done.failed)
        click.echo(f"{rebuilt} of {done.users} models rebuilt, {done.fresh} were fresh")
    raise SystemExit(1 if done.failed else 0)


async def _rebuild(
    parts: OperatorParts, done: Rebuilt, limit: RateLimit, patience_s: float, *, shown: bool
) -> Rebuilt:
    total = sum([1 async for _ in parts.stores.buffer.user_ids()])
    with progress("models", length=total, shown=shown) as bar:
        async for users in _rounds(parts):
            old = await _built_before(parts, users, done.since_ms)
            await limit.spend(len(old))
            await _mark(parts, old, patience_s)
            left = await _wait_for_others(parts, old, patience_s)
            if left and len(done.failed) + len(left) == done.marked + len(old):
                raise click.ClickException(
                    f"{len(left)} users wait and nobody refreshes them: is a worker running?"
                )
            done.failed += left
            done.users += len(users)
            done.marked += len(old)
            done.fresh += len(users) - len(old)
            bar.update(len(users))
    return done


async def _mark(parts: OperatorParts, user_ids: Iterable[str], patience_s: float) -> None:
    """Mark the users, as soon as the queue has room for them."""
    until_s = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return await parts.stores.queue.mark(dict.fromkeys(user_ids), now_ms=clock_ms())
        except RetryableError:
            if asyncio.get_running_loop().time() > until_s:
                raise
            await asyncio.sleep(_LOOK_EVERY_S)


async def _rounds(parts: OperatorParts) -> AsyncIterator[list[str]]:
    users: set[str] = set()
    async for user_id in parts.stores.buffer.user_ids():
        users.add(user_id)
        if len(users) == _USERS_AT_ONCE:
            yield await _with_events(parts, users)
            users = set()
    if users:
        yield await _with_events(parts, users)


async def _with_events(parts: OperatorParts, user_ids: Iterable[str]) -> list[str]:
    """Those with events in the window; others have a buffer that ends soon, and no model."""
    since_ms, users = clock_ms() - parts.settings.model.window_ms, sorted(user_ids)
    latest = await parts.stores.buffer.latest_ms(users)
    return [user for user, ms in zip(users, latest, strict=True) if ms and ms >= since_ms]


async def _built_before(
    parts: OperatorParts, user_ids: Sequence[str], since_ms: int
) -> dict[str, int | None]:
    """Who has no model that was built at `since_ms` or later, and when theirs was built."""
    built = await _built(parts, user_ids)
    return {user: at_ms for user, at_ms in built.items() if at_ms is None or at_ms < since_ms}


async def _built(parts: OperatorParts, user_ids: Iterable[str]) -> dict[str, int | None]:
    users = list(user_ids)
    models = await asyncio.gather(*map(parts.stores.models.get_signals, users))
    return {
        user: None if model is None else model.built_at_ms
        for user, model in zip(users, models, strict=True)
    }


async def _wait_for_others(
    parts: OperatorParts, built: Mapping[str, int | None], patience_s: float
) -> list[str]:
    """Wait until each user has another model than before, as long as some get theirs.

    Not until nobody waits for a refresh: beside new events somebody always
    does. Gives those who have not got theirs.
    """
    loop = asyncio.get_running_loop()
    left, moved_s = dict(built), loop.time()
    while left:
        await asyncio.sleep(_LOOK_EVERY_S)
        now = await _built(parts, left)
        still = {user: at_ms for user, at_ms in left.items() if now[user] == at_ms}
        if len(still) < len(left):
            left, moved_s = still, loop.time()
        elif loop.time() - moved_s > patience_s:
            break
    return list(left)
