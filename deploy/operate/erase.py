"""`ai-engine erase` and `export-user`: everything of a person goes, or is shown."""

from collections import Counter
from collections.abc import Collection, Sequence

import click
import msgspec

from adapters.process import clock_ms
from adapters.redis.traces import RedisTraces, Trace
from core.erasing.export import Exporter
from core.erasing.receipt import Receipt
from core.normalizing.ids import text_id
from deploy.operate.moments import moment
from deploy.operate.pacing import progress
from deploy.operate.parts import OperatorParts, with_parts
from ingest_worker.composition import eraser

_SHOWN = 50
_ONLY_LOOKS = "only_looks"


class Erased(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was erased and what is left; None where that was not asked for."""

    receipt: Receipt | None = None
    left: Sequence[Trace] | None = None


class _Ordered(click.Command):
    """Knows what came first: `--verify USER` erases nobody, `USER --verify` does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_ONLY_LOOKS] = _only_looks(args)
        return super().parse_args(ctx, args)


@click.command(cls=_Ordered)
@click.argument("user", metavar="USER")
@click.option("--verify", is_flag=True, help="Look for what is left; before USER: erase nothing.")
@click.option("--id", "more", multiple=True, help="Another id to look for; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON object.")
@click.pass_context
def erase(
    ctx: click.Context, user: str, more: Sequence[str], *, verify: bool, as_json: bool
) -> None:
    """Erase everything that is kept of the person to whom the id USER belongs (needs REDIS_URL).

    What comes of them is refused for ERASE_TERM_DAYS. With --verify after it
    everything in Redis, and the log where LOG_URL names one, is looked through
    for the ids of the receipt; with --verify before it nobody is erased, and it
    is looked for USER and each --id. The exit code is 1 where anything is left.
    """
    only_looks = ctx.meta[_ONLY_LOOKS]
    user_id = _id(user)

    async def work(parts: OperatorParts) -> Erased:
        receipt = None
        if not only_looks:
            erasing = eraser(parts.settings, parts.stores)
            receipt = await erasing.erase(user_id, now_ms=clock_ms())
        if not verify:
            return Erased(receipt=receipt)
        ids = {user_id, *map(_id, more), *(receipt.ids if receipt else ())}
        return Erased(receipt=receipt, left=await _traces(parts, ids, shown=not as_json))

    done = with_parts(work)
    if as_json:
        click.echo(msgspec.json.encode(done if verify else done.receipt).decode())
    else:
        _tell(done)
    raise SystemExit(1 if done.left else 0)


@click.command("export-user")
@click.argument("user", metavar="USER")
def export_user(user: str) -> None:
    """Print everything that is kept of a person as JSON (needs REDIS_URL)."""

    async def work(parts: OperatorParts) -> bytes:
        exporter = Exporter(parts.stores.places, eraser(parts.settings, parts.stores))
        return msgspec.json.encode(await exporter.export(_id(user), now_ms=clock_ms()))

    click.echo(msgspec.json.format(with_parts(work), indent=2).decode())


async def _traces(parts: OperatorParts, ids: Collection[str], *, shown: bool) -> list[Trace]:
    """Everything in Redis that is of one of the ids."""
    traces, found = RedisTraces(parts.client), []
    keys = [key async for key in traces.keys()]  # noqa: SIM118 - no mapping
    with progress("keys", length=len(keys), shown=shown) as bar:
        for key in keys:
            found += [one async for one in traces.find(key, ids)]
            bar.update(1)
    return [*found, *await _rows(parts, ids)]


async def _rows(parts: OperatorParts, ids: Collection[str]) -> list[Trace]:
    """What the log has of them, where LOG_URL names one."""
    log = parts.stores.log
    if log is None:
        return []
    rows = await log.rows(ids)
    counts = Counter(row["log"] for row in rows)
    return [
        Trace(key=f"log:{name}", where=f"{count} rows", ids=tuple(sorted(ids)))
        for name, count in counts.items()
    ]


def _tell(done: Erased) -> None:
    if (receipt := done.receipt) is not None:
        counts: dict[str, int] = msgspec.to_builtins(receipt.counts)
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
        click.echo(f"erased {', '.join(receipt.ids)}: {told}")
        click.echo(f"refused until {moment(receipt.until_ms)}")
        if receipt.in_hand:
            click.echo(f"{receipt.in_hand} in a worker's hand, gone when it has finished", err=True)
    if done.left is not None:
        for one in done.left[:_SHOWN]:
            click.echo(f"left: {', '.join(one.ids)} in {one.key} ({one.where})")
        click.echo(f"{len(done.left)} left" if done.left else "nothing is left")


def _only_looks(args: Sequence[str]) -> bool:
    is_value = False
    for one in args:
        if is_value:
            is_value = False
        elif one == "--verify":
            return True
        elif one == "--id":
            is_value = True
        elif not one.startswith("-"):
            return False
    return False


def _id(text: str) -> str:
    if (user_id := text_id(text)) is None:
        raise click.UsageError("an id must not be empty")
    return user_id
