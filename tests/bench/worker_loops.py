"""The ceilings of the worker: loops over redis-py that empty the stream without FastStream."""

from time import perf_counter
from typing import Any

import msgspec

from adapters.plans.toml import read_plan
from adapters.process import clock_ms
from adapters.redis.connection import Client, connect
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.stream import raw_batch
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.queues import RawBatch
from ingest_worker.process_settings import ingest_settings
from ingest_worker.settings import WorkerSettings

_KEY = stream_key(0)


async def plain_loop(url: str) -> float:
    """Everything the worker does to an entry; gives the seconds that it took."""
    settings = ingest_settings({"REDIS_URL": url})
    mapper = EventMapper(read_plan(settings.event_plan))
    client = connect(url)
    window_ms = settings.model.window_ms
    buffer = RedisEventBuffer(
        client,
        window_ms=window_ms,
        max_events=settings.max_events_per_user,
        model_ttl_s=settings.model_ttl_s,
    )
    queue = RedisDueQueue(client, settings.worker.debounce, shards=1)
    started = perf_counter()
    while batches := await _read(client, settings.worker.batch_entries):
        events = [
            found
            for one in batches
            for found in normalize_events(
                one.body, mapper, arrived_ms=one.received_ms, window_ms=window_ms
            ).events
        ]
        now_ms = clock_ms()
        await buffer.append(events, now_ms=now_ms)
        await queue.mark(dict.fromkeys((found.user_id for found in events), now_ms), now_ms=now_ms)
        await client.xack(_KEY, GROUP, *(one.entry_id for one in batches))
    seconds = perf_counter() - started
    await client.aclose()
    return seconds


async def read_only_loop(url: str) -> float:
    """Read and decode, keep nothing; gives the seconds that it took."""
    client = connect(url)
    started = perf_counter()
    while batches := await _read(client, WorkerSettings().batch_entries):
        for one in batches:
            msgspec.json.decode(one.body)
    seconds = perf_counter() - started
    await client.aclose()
    return seconds


async def _read(client: Client, count: int) -> list[RawBatch]:
    found: Any = await client.xreadgroup(GROUP, "bench", {_KEY: ">"}, count=count)
    return [raw_batch(entry_id, fields) for _, entries in found for entry_id, fields in entries]
