"""`ai-engine verify`: stored models against what their events give when computed anew."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import click
import msgspec

from adapters.process import clock_ms
from core.signals import UserSignals, comparable
from core.updater import UserModelUpdater
from deploy.operate.pacing import progress
from deploy.operate.parts import OperatorParts, with_parts

_USERS_AT_ONCE = 50
_SHOWN = 20

Finding = Literal[
    "same",
    "no_events",
    "missing",
    "behind",
    "other_configuration",
    "other_catalogue",
    "different",
]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One user's model. `fields` names what differs."""

    user_id: str
    finding: Finding
    fields: tuple[str, ...] = ()


@click.command()
@click.option("--sample", type=click.IntRange(1), default=1000, show_default=True, help="Users.")
@click.option("--all", "everybody", is_flag=True, help="Everybody instead of a sample.")
@click.option("--user", "named", multiple=True, help="This user; repeatable.")
@click.option("--seed", type=int, help="Draw the same sample again.")
@click.option(
    "--settle",
    type=float,
    default=5.0,
    show_default=True,
    help="Seconds that models may be behind.",
)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def verify(
    sample: int,
    named: Sequence[str],
    seed: int | None,
    settle: float,
    *,
    everybody: bool,
    as_json: bool,
) -> None:
    """Compute models anew and report every difference to the stored ones (needs REDIS_URL).

    Nothing is written. The settings of the mathematics and the catalogue must
    be those of the workers. The exit code is 1 where anything differs.
    """

    async def work(parts: OperatorParts) -> list[Verified]:
        users = list(named) or await _draw(parts, None if everybody else sample, seed)
        return await _verify(parts, users, settle, shown=not as_json)

    found = with_parts(work)
    counts = Counter(one.finding for one in found)
    wrong = [one for one in found if one.finding not in ("same", "no_events")]
    if as_json:
        outcome = {"checked": len(found), "findings": dict(counts), "differences": wrong}
        click.echo(msgspec.json.encode(outcome).decode())
    else:
        for one in wrong[:_SHOWN]:
            click.echo(f"{one.finding}: {one.user_id} {', '.join(one.fields)}".rstrip())
        told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        click.echo(f"{len(found)} models checked: {told or 'nobody has events'}")
    raise SystemExit(1 if wrong else 0)


async def _draw(parts: OperatorParts, sample: int | None, seed: int | None) -> list[str]:
    """Everybody, or a sample in which each has the same chance."""
    users = sorted({user async for user in parts.stores.buffer.user_ids()})
    if sample is None or sample >= len(users):
        return users
    # A sample that can be drawn again, no secret.
    return sorted(random.Random(seed).sample(users, sample))  # noqa: S311  # nosec B311


async def _verify(
    parts: OperatorParts, user_ids: Sequence[str], settle_s: float, *, shown: bool
) -> list[Verified]:
    found: list[Verified] = []
    async with parts.updater() as updater:
        with progress("models", length=len(user_ids), shown=shown) as bar:
            for start in range(0, len(user_ids), _USERS_AT_ONCE):
                some = user_ids[start : start + _USERS_AT_ONCE]
                found += await asyncio.gather(
                    *(_settled(parts, updater, user, settle_s) for user in some)
                )
                bar.update(len(some))
    return found


async def _settled(
    parts: OperatorParts, updater: UserModelUpdater, user_id: str, settle_s: float
) -> Verified:
    """What is found once the workers have had time to follow."""
    until_s = asyncio.get_running_loop().time() + settle_s
    while True:
        found = await _check(parts, updater, user_id)
        late = asyncio.get_running_loop().time() > until_s
        if found.finding not in ("missing", "behind") or late:
            return found
        await asyncio.sleep(0.25)


async def _check(parts: OperatorParts, updater: UserModelUpdater, user_id: str) -> Verified:
    stored = await parts.stores.models.get_signals(user_id)
    now_ms = clock_ms() if stored is None else stored.built_at_ms
    anew = await updater.rebuild(user_id, now_ms=now_ms)
    if not anew:
        # They have left the window, or there never were any.
        return Verified(user_id=user_id, finding="no_events")
    if stored is None:
        return Verified(user_id=user_id, finding="missing")
    return Verified(
        user_id=user_id, finding=_compare(stored, anew[0]), fields=_fields(stored, anew[0])
    )


def _compare(stored: UserSignals, anew: UserSignals) -> Finding:
    if stored.revision < anew.revision:
        return "behind"
    if stored.config_version != anew.config_version:
        return "other_configuration"
    if stored.catalogue_version == anew.catalogue_version:
        return "same" if comparable(stored) == comparable(anew) else "different"
    # A catalogue that has changed elsewhere makes the same model.
    other = msgspec.structs.replace(anew, catalogue_version=stored.catalogue_version)
    return "same" if comparable(stored) == comparable(other) else "other_catalogue"


def _fields(stored: UserSignals, anew: UserSignals) -> tuple[str, ...]:
    one, other = msgspec.to_builtins(stored), msgspec.to_builtins(anew)
    return tuple(name for name in one if name != "built_at_ms" and one[name] != other[name])
