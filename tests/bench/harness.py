"""Repetitions, medians and rows: what all benches share.

Every value stands beside a ceiling that the same run measured, and the two
take turns, so that a slow minute of the machine falls on both.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from math import ceil
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import msgspec
import uvloop

from adapters.process import settle, stop_signals

T = TypeVar("T")
_CANCEL_AGAIN_S = 2.0


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How long a run takes. Each thing is measured `repetitions` times for `seconds`."""

    seconds: float = 1.0
    repetitions: int = 5
    visitors: int = 60
    """How many visitors the bench of freshness follows."""

    def count(self, per_second: int) -> int:
        """The size of work that is counted rather than timed."""
        return max(200, round(per_second * self.seconds))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the result. `ratio` is 1 at the ceiling, whichever way is better."""

    name: str
    value: float
    unit: str
    ceiling: float
    ratio: float


def rate(name: str, value: float, ceiling: float, unit: str) -> Row:
    """A row where more is better."""
    return Row(name=name, value=value, unit=unit, ceiling=ceiling, ratio=value / ceiling)


def latency(name: str, value_ms: float, ceiling_ms: float) -> Row:
    """A row where less is better. Units: milliseconds."""
    return Row(
        name=name, value=value_ms, unit="ms", ceiling=ceiling_ms, ratio=ceiling_ms / value_ms
    )


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What one repetition gives. Units: operations a second, milliseconds."""

    rate: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @classmethod
    def of(cls, latencies_ms: Sequence[float], seconds: float) -> "Sample":
        """The sample of operations that took these times, in `seconds` altogether."""
        return cls(
            rate=len(latencies_ms) / seconds,
            p50_ms=percentile(latencies_ms, 50),
            p99_ms=percentile(latencies_ms, 99),
        )


Repetition = Callable[[], Awaitable[Sample]]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


async def medians(runs: Mapping[str, Repetition], repetitions: int) -> dict[str, Sample]:
    """Take turns with the runs, and give the median of each, field by field."""
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            settle()  # as every process does; and what the one before left is not paid by this one
            samples[name].append(await run())
    return {
        name: Sample(
            rate=median(one.rate for one in taken),
            p50_ms=median(one.p50_ms for one in taken),
            p99_ms=median(one.p99_ms for one in taken),
        )
        for name, taken in samples.items()
    }


def repeated(
    work: Callable[[], Awaitable[object]], seconds: float, *, operations: int = 1
) -> Repetition:
    """A repetition that calls `work` (which does `operations`) one after the other."""

    async def run() -> Sample:
        latencies: list[float] = []
        started = now = perf_counter()
        while now - started < seconds:
            await work()
            before, now = now, perf_counter()
            latencies.append((now - before) * 1000)
        sample = Sample.of(latencies, now - started)
        return msgspec.structs.replace(sample, rate=sample.rate * operations)

    return run


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """Run on the event loop that the processes of the project use.

    Raises: KeyboardInterrupt on SIGINT and SIGTERM, once `main` has cleaned up.
    """
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_until_stopped(main))
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


async def _until_stopped(main: Coroutine[Any, Any, T]) -> T:
    work, stopped = asyncio.create_task(main), asyncio.create_task(stop_signals().wait())
    await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        return work.result()
    while not work.done():  # again and again: a cancellation can get lost in a driver
        work.cancel()
        await asyncio.wait({work}, timeout=_CANCEL_AGAIN_S)
    raise KeyboardInterrupt
