"""The worker's consumer: events a second from the stream to the buffers of the visitors.

The whole path is XREADGROUP, decode, normalize, append, mark due and XACK, by
the FastStream consumer that the worker process runs (without its refresher,
which has a bench of its own), over a stream filled before.

Ceiling: the same steps in a plain loop over redis-py, so what is missing is
FastStream's part and the batch handler's. A second row has the loop that only
reads and decodes as its ceiling: what is missing there is all of the work.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter

import numpy as np
import redis

from adapters.redis.connection import Client, connect
from adapters.redis.keys import GROUP, events_key, stream_key
from adapters.redis.stream import BODY_FIELD
from ingest_worker.process_settings import ingest_settings
from ingest_worker.worker_composition import worker_parts
from tests.bench.harness import Effort, Repetition, Row, Sample, medians, rate, run_async
from tests.bench.payloads import body, event, visitor
from tests.bench.servers import beside, scratch, valkey
from tests.bench.worker_loops import plain_loop, read_only_loop

_EVENTS_BY_SIZE = {1: 20_000, 50: 40_000}
"""Events of a repetition of one second, by the events an entry."""
_VISITORS = 1_000
_WITHIN_S = 60.0
_ITEMS = [f"item-{number}" for number in range(100)]
_KEY = stream_key(0)

Drain = Callable[[str], Awaitable[float]]
"""Empties the stream of a Redis; gives the seconds that it took."""


def measure(effort: Effort) -> list[Row]:
    """Both sizes of an entry."""
    rows = []
    for size, a_second in _EVENTS_BY_SIZE.items():
        with scratch() as folder, valkey(folder) as url:
            events = _fill(url, size, effort.count(a_second))
            runs: dict[str, Repetition] = {
                name: _repetition(drain, url, events)
                for name, drain in (
                    ("read", read_only_loop),
                    ("plain", plain_loop),
                    ("worker", _worker),
                )
            }
            found = run_async(medians(runs, effort.repetitions))
            _require_stored(url, events)
        name = f"worker, {size} event{'s' if size > 1 else ''} an entry"
        value = found["worker"].rate
        rows += [
            rate(f"{name} | plain loop", value, found["plain"].rate, "events/s"),
            rate(f"{name} | worker read only", value, found["read"].rate, "events/s"),
        ]
    return rows


def _fill(url: str, size: int, wanted: int) -> int:
    """Write the stream and its group into database 1, to be copied for each repetition."""
    entries = max(1, wanted // size)
    users = np.random.default_rng(1).integers(_VISITORS, size=(entries, size))
    with redis.Redis.from_url(beside(url)) as client, client.pipeline(transaction=False) as pipe:
        for row, visitors in enumerate(users):
            events = [
                event(visitor(int(user)), row * size + column, _ITEMS)
                for column, user in enumerate(visitors)
            ]
            pipe.xadd(_KEY, {BODY_FIELD: body(events)})
            if row % 500 == 499:
                pipe.execute()
        pipe.xgroup_create(_KEY, GROUP, id="0")
        pipe.execute()
    return entries * size


def _repetition(drain: Drain, url: str, events: int) -> Repetition:
    async def run() -> Sample:
        with redis.Redis.from_url(url) as here, redis.Redis.from_url(beside(url)) as filled:
            here.flushdb()
            filled.copy(_KEY, _KEY, destination_db=0)
        return Sample(rate=events / await drain(url))

    return run


def _require_stored(url: str, events: int) -> None:
    """The worker ran last, so every event lies in a buffer now."""
    with redis.Redis.from_url(url) as client, client.pipeline(transaction=False) as pipe:
        for number in range(_VISITORS):
            pipe.zcard(events_key(visitor(number)))
        stored = sum(pipe.execute())
    if stored != events:
        raise RuntimeError(f"the worker stored {stored} of {events} events")


async def _worker(url: str) -> float:
    async with worker_parts(ingest_settings({"REDIS_URL": url})) as parts:
        client = connect(url)
        for keeper in parts.worker._keepers:
            await keeper.prepare()
        await parts.worker._broker.connect()
        started = perf_counter()
        try:
            await parts.worker._broker.start()
            async with asyncio.timeout(_WITHIN_S):
                while not await _is_done(client):  # noqa: ASYNC110 - only Redis knows
                    await asyncio.sleep(0.005)
            seconds = perf_counter() - started
            # The consumer waits in its next read by then; stopped in between, it logs an error.
            await asyncio.sleep(0.02)
        finally:
            await parts.worker._broker.stop()
            await client.aclose()
    return seconds


async def _is_done(client: Client) -> bool:
    [group] = await client.xinfo_groups(_KEY)
    if group["pending"] or group["lag"]:
        return False
    if group["lag"] is None:
        raise RuntimeError("the server cannot tell how much of the stream is unread")
    return True
