"""From an accepted event to a changed recommendation, through the three real processes.

The clock starts at the webhook's 200 and stops at the first answer of
`GET /api/recommend` that was made from a newer model; once for visitors that
nobody knows, then for the same ones with a model.

Ceiling: what cannot be avoided, measured in the same run on the same Valkey:
one worker's steps and one refresh, called one after the other in this process
(read, normalize, append, mark, acknowledge, pop, rebuild, save, complete), and
one `GET /api/recommend` of a visitor who is known. What is missing is hand-over:
polls, wake-ups, and other processes on the same cores.
"""

import asyncio
import time
from pathlib import Path
from time import perf_counter
from typing import Any
from zlib import crc32

import msgspec

from adapters.redis.connection import connect
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.stream import BODY_FIELD, raw_batch
from deploy.local import LocalStack
from deploy.valkey import free_port
from ingest_worker.process_settings import ingest_settings
from ingest_worker.publishing.composition import publish_once
from ingest_worker.worker_composition import worker_parts
from tests.bench.client import Connection, get, post
from tests.bench.harness import Effort, Row, latency, percentile, run_async
from tests.bench.payloads import event, visitor
from tests.bench.servers import beside, child_environ, scratch

_WITHIN_S = 10.0
_POLL_S = 0.001
_QUIET_S = 0.5
"""Past the debounce, so that the next event of a visitor finds a quiet time."""
_SPREAD_S = 0.04
_ITEMS = ["berlin-rosenstrasse-protest", "berlin-otto-weidt-workshop"]


def measure(effort: Effort) -> list[Row]:
    """Unknown visitors, then known ones."""
    with (
        scratch() as folder,
        LocalStack(
            folder, ingest_port=free_port(), serve_port=free_port(), environ=child_environ()
        ) as stack,
    ):
        ingest, serve = _port(stack.ingest_url), _port(stack.serve_url)
        floor = run_async(_steps(stack.redis_url, folder / "steps", effort.visitors))
        rows = []
        with Connection(ingest) as webhook, Connection(serve) as api:
            for number, kind in enumerate(("unknown", "known")):
                waits = [
                    _freshness(webhook, api, visitor(user), number)
                    for user in range(effort.visitors)
                ]
                asked = [_asked(api, visitor(user)) for user in range(effort.visitors)]
                for percent in (50, 99):
                    ceiling = percentile(floor, percent) + percentile(asked, percent)
                    rows.append(
                        latency(
                            f"event to answer, {kind} visitor, p{percent} | the same steps at once",
                            percentile(waits, percent),
                            ceiling,
                        )
                    )
                time.sleep(_QUIET_S)
    return rows


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _freshness(webhook: Connection, api: Connection, user: str, number: int) -> float:
    """Send the visitor's `number`th event; the time until an answer follows from it."""
    # Else every event would follow a round of the refresher, and wait for its whole poll.
    time.sleep(_SPREAD_S * (crc32(user.encode()) % 100) / 100)
    before = _revision(api, user)
    status, body = webhook.ask(post("/api/ingest", event(user, number, _ITEMS)))
    accepted = perf_counter()
    if status != 200:
        raise RuntimeError(f"the webhook answered {status}: {body!r}")
    while perf_counter() - accepted < _WITHIN_S:
        if _revision(api, user) != before:
            return (perf_counter() - accepted) * 1000
        time.sleep(_POLL_S)
    raise RuntimeError(f"the answers to {user} did not follow within {_WITHIN_S:.0f} s")


def _revision(api: Connection, user: str) -> int | None:
    """The revision of the model that an answer was made from, None for a stranger."""
    _, body = api.ask(get(f"/api/recommend?user_id={user}&limit=5"))
    revision: int | None = msgspec.json.decode(body)["diagnostics"]["model_revision"]
    return revision


def _asked(api: Connection, user: str) -> float:
    """One question and answer where nothing is waited for."""
    started = perf_counter()
    _revision(api, user)
    return (perf_counter() - started) * 1000


async def _steps(url: str, folder: Path, visitors: int) -> list[float]:
    """The worker's steps for one event at a time, in a database that no worker reads."""
    settings = ingest_settings({"REDIS_URL": beside(url), "CONTENT_FOLDER": str(folder)})
    key, times = stream_key(0), []
    client = connect(settings.redis_url)
    await publish_once(settings, client)
    async with worker_parts(settings) as parts:
        while not parts.worker._refresher._updater._contents.is_there:  # type: ignore[attr-defined] # noqa: ASYNC110
            await asyncio.sleep(0.01)
        [keeper] = parts.worker._keepers
        await keeper.prepare()
        for user in range(visitors):
            await client.xadd(key, {BODY_FIELD: event(visitor(user), 0, _ITEMS)})
            started = perf_counter()
            found: Any = await client.xreadgroup(GROUP, "bench", {key: ">"})
            batches = [raw_batch(entry_id, fields) for entry_id, fields in found[0][1]]
            await keeper._handle(batches)
            await keeper._pending.acknowledge(batches)
            if not await parts.worker._refresher.refresh_round():
                raise RuntimeError("nobody was due after an event")
            times.append((perf_counter() - started) * 1000)
    await client.aclose()
    return times
