"""The webhook: requests a second over a real Valkey, at 1 and at 100 events a body.

Ceiling: the same server with a constant answer and the body unread (see
`constant`), asked by the same client in turns. What is missing to it is the
project's part: key, body, scan for JSON, and Redis's word that it is stored.
The p99 is that of the loaded server, 32 requests at a time.
"""

from collections.abc import Mapping
from contextlib import ExitStack

import redis

from adapters.redis.keys import stream_key
from tests.bench.client import load, post
from tests.bench.harness import Effort, Repetition, Row, Sample, latency, medians, rate, run_async
from tests.bench.payloads import body, event, visitor
from tests.bench.servers import http_process, scratch, valkey

_CONNECTIONS = 32
_BATCH = 100
_ITEMS = [f"item-{number}" for number in range(100)]


def measure(effort: Effort) -> list[Row]:
    """Both body sizes."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        url = stack.enter_context(valkey(folder))
        webhook = stack.enter_context(
            http_process(folder, "INGEST_PORT", "ingest_worker", "webhook", REDIS_URL=url)
        )
        constant = stack.enter_context(
            http_process(folder, "CONSTANT_PORT", "tests.bench.constant")
        )
        stored = stack.enter_context(redis.Redis.from_url(url))
        found = run_async(_measure(webhook, constant, stored, effort))
    one, one_ceiling = found["webhook 1"], found["constant 1"]
    batch, batch_ceiling = found["webhook 100"].rate, found["constant 100"].rate
    events, events_ceiling = _BATCH * batch, _BATCH * batch_ceiling
    name, batch_name = "webhook, 1 event a body", f"webhook, {_BATCH} events a body"
    return [
        rate(f"{name} | constant answer", one.rate, one_ceiling.rate, "requests/s"),
        latency(f"{name}, p99 | constant answer", one.p99_ms, one_ceiling.p99_ms),
        rate(f"{batch_name} | constant answer", batch, batch_ceiling, "requests/s"),
        rate(f"{batch_name}, by events | constant answer", events, events_ceiling, "events/s"),
    ]


async def _measure(
    webhook: int, constant: int, stored: "redis.Redis", effort: Effort
) -> Mapping[str, Sample]:
    runs: dict[str, Repetition] = {}
    for count in (1, _BATCH):
        events = [event(visitor(number), number, _ITEMS) for number in range(count)]
        request = post("/api/ingest", body(events))
        for name, port in (("constant", constant), ("webhook", webhook)):
            warm = load(port, [request], connections=_CONNECTIONS, seconds=effort.seconds / 5)
            await warm()
            run = load(port, [request], connections=_CONNECTIONS, seconds=effort.seconds)
            runs[f"{name} {count}"] = _emptied(run, stored)
    return await medians(runs, effort.repetitions)


def _emptied(run: Repetition, stored: "redis.Redis") -> Repetition:
    """Nobody reads the stream here: every repetition begins with none."""

    async def emptied() -> Sample:
        stored.unlink(stream_key(0))
        return await run()

    return emptied
