"""`ai-engine replay`: events of a file, through the stream and the workers as if they came in."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import click
import msgspec
from prometheus_client import CollectorRegistry

from adapters.posthog.export_file import ExportedEvent, exported_events
from adapters.process import clock_ms
from core.errors import RejectedError, RetryableError
from core.normalizing.body import NotJsonError, count_events, split_body
from core.normalizing.clock import parse_time
from deploy.operate.lines import Line, read_lines
from deploy.operate.pacing import Bar, RateLimit, progress
from deploy.operate.parts import OperatorParts, with_parts
from ingest_worker.backpressure import Backpressure
from ingest_worker.metrics import StreamGauges
from ingest_worker.settings import IngestSettings

_BODIES_AT_ONCE = 100
_AGAIN_S = 1.0
_SHOWN_PROBLEMS = 20


class Replayed(msgspec.Struct, kw_only=True):
    """What became of a file."""

    lines: int = 0
    bodies: int = 0
    events: int = 0
    problems: list[str] = []


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Events a second.")
@click.option("--from-line", type=click.IntRange(1), default=1, help="Go on from this line.")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds to wait for a Redis that is away.",
)
@click.option(
    "--format",
    "written",
    type=click.Choice(["rudderstack", "posthog"]),
    default="rudderstack",
    show_default=True,
    help="Whose events they are.",
)
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON object.")
def replay(
    file: Path,
    rate: float | None,
    from_line: int,
    patience: float,
    written: Literal["rudderstack", "posthog"],
    *,
    as_json: bool,
) -> None:
    """Send the events of FILE through the pipeline (needs REDIS_URL).

    FILE is JSON Lines, plain or gzipped: each line an event, an array of
    events or a whole request body, as RudderStack sends them. It may be
    replayed twice: an event that is there is not added again. While too much
    waits to be processed the replay waits, too.

    With --format posthog FILE is an export of PostHog, JSON Lines or Parquet.

    Lines that cannot be used are named and left out; then the exit code is 1.
    """
    size = file.stat().st_size

    async def work(parts: OperatorParts) -> Replayed:
        with progress(file.name, length=size, shown=not as_json) as bar:
            lines = _READERS[written](file, from_line)
            return await _replay(parts, lines, RateLimit(rate), patience, bar)

    done = with_parts(work)
    if as_json:
        click.echo(msgspec.json.encode(done).decode())
    else:
        for problem in done.problems[:_SHOWN_PROBLEMS]:
            click.echo(problem, err=True)
        click.echo(
            f"{done.events} events in {done.bodies} bodies sent; "
            f"{len(done.problems)} of {done.lines} lines left out"
        )
    raise SystemExit(1 if done.problems else 0)


def _exported_lines(path: Path, first: int) -> Iterator[Line]:
    """The rows of PostHog's export; what is none is a line that nobody can use."""
    try:
        for one in exported_events(path, first):
            if isinstance(one, ExportedEvent):
                yield Line(one.row, one.body, 0)
            else:
                click.echo(str(one), err=True)
    except RejectedError as exc:
        raise click.ClickException(str(exc)) from exc


_READERS = {"rudderstack": read_lines, "posthog": _exported_lines}


async def _replay(
    parts: OperatorParts, lines: Iterator[Line], limit: RateLimit, patience_s: float, bar: Bar
) -> Replayed:
    done = Replayed(problems=[])
    gauges = StreamGauges(CollectorRegistry())
    marks = parts.settings.ingest.high_water
    backpressure = Backpressure(parts.stream, marks, gauges, clock_ms)
    for chunk in _chunks(lines):
        usable = _usable(chunk, parts.settings.ingest, done)
        await limit.spend(sum(events for _, events in usable))
        await _wait_for_room(backpressure)
        await _enqueue(parts, [line for line, _ in usable], chunk[0].number, patience_s)
        done.bodies += len(usable)
        done.events += sum(events for _, events in usable)
        bar.update(sum(line.consumed for line in chunk))
    return done


def _usable(
    lines: Sequence[Line], bounds: IngestSettings, done: Replayed
) -> list[tuple[Line, int]]:
    """The lines that the webhook would take, each with its number of events."""
    usable = []
    for line in lines:
        done.lines += 1
        if len(line.text) > bounds.max_body_bytes:
            done.problems.append(f"line {line.number}: longer than INGEST_MAX_BODY_BYTES")
            continue
        try:
            usable.append((line, count_events(line.text, limit=bounds.max_batch_events)))
        except RejectedError as exc:
            done.problems.append(f"line {line.number}: {exc}")
    return usable


async def _wait_for_room(backpressure: Backpressure) -> None:
    """Wait while too much is unprocessed, but not for a Redis that is away."""
    while True:
        await backpressure.look()
        if backpressure.is_away:
            return
        try:
            backpressure.admit()
        except RetryableError:
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def _enqueue(
    parts: OperatorParts, lines: Sequence[Line], first: int, patience_s: float
) -> None:
    """Store the lines; again for a while where Redis is away."""
    last_try_s = asyncio.get_running_loop().time() + patience_s
    while True:
        bodies = [
            parts.stream.enqueue(line.text, call_type=None, received_ms=_received_ms(line.text))
            for line in lines
        ]
        failures = [
            one for one in await asyncio.gather(*bodies, return_exceptions=True) if one is not None
        ]
        if not failures:
            return
        if asyncio.get_running_loop().time() > last_try_s:
            raise RetryableError(f"{failures[0]}; go on with --from-line {first}")
        await asyncio.sleep(_AGAIN_S)


def _received_ms(body: bytes) -> int | None:
    """When a body was received by what its events say, else when it was sent.

    By that their times are put right; by the time of the replay, an event of
    last week would seem to come from a clock that is a week slow.
    """
    try:
        found = split_body(body)
    except NotJsonError:
        return None
    events = [one for one in found.events if isinstance(one, dict)]
    said = [one.get("receivedAt") or one.get("sentAt") or found.sent_at for one in events]
    moments = [ms for ms in map(parse_time, said) if ms is not None]
    return min(max(moments), clock_ms()) if moments else None


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    """Lines together; those before a break in the file, too, before it is raised."""
    chunk: list[Line] = []
    broken: click.ClickException | None = None
    try:
        for line in lines:
            chunk.append(line)
            if len(chunk) == _BODIES_AT_ONCE:
                yield chunk
                chunk = []
    except click.ClickException as exc:
        broken = exc
    if chunk:
        yield chunk
    if broken is not None:
        raise broken
