"""A person is erased while a worker is at any step: nothing is left, and nothing of others lost."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.redis.connection import Client
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stored_batches import RedisStoredBatches
from adapters.redis.stream import entry_fields, raw_batch
from adapters.redis.tombstones import RedisTombstones
from adapters.redis.traces import RedisTraces
from adapters.redis.user_models import RedisUserModelStore
from core.erasing.eraser import Eraser
from core.erasing.export import Exporter
from core.erasing.places import Places
from core.erasing.receipt import Receipt
from core.erasing.screened_letters import ScreenedLetters
from core.erasing.sweep import Sweep
from core.identity.node import IdentityConfig
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.queues import Debounce, RawBatch
from core.updater import UserModelUpdater
from ingest_worker.batches import BatchHandler, normalizer
from ingest_worker.linking import Linker
from ingest_worker.refresher import Refresher
from ingest_worker.screening import Screen
from tests.build import DAY_MS, MAPPER, NOW_MS, WINDOW_MS, worker_metrics
from tests.build import raw_batch as plain_batch
from tests.laws.conftest import emptied
from tests.laws.stepped_worker import BASIS, CONTENTS
from tests.places import eraser_of, places

IDENTITY = IdentityConfig()
TIMES = Debounce()
KEY = stream_key(0)
ALL_STEPS = 60
"""More than a worker has."""


def view(user_id: str, item: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "event": "CONTENT_VIEW_ENDED",
        "userId": user_id,
        "messageId": f"{user_id}-{item}",
        "properties": {
            "content": {"content_id": item},
            "details": {"reason": "next_button", "dwell_seconds": 60},
        },
        **more,
    }


BODY = json.dumps(
    [
        view("ada", "music-0", anonymousId="phone"),
        {"type": "identify", "userId": "ada", "anonymousId": "phone", "messageId": "i"},
        {"type": "unheard of", "userId": "ada", "messageId": "r"},
        {**view("phone", "music-0"), "userId": None, "anonymousId": "phone"},
        view("bob", "hiding-0"),
        {"type": "unheard of", "userId": "bob", "messageId": "r"},
    ]
).encode()


class Gate:
    """Lets a worker make so many calls and holds it before the next one."""

    def __init__(self, calls: int) -> None:
        self._left = calls
        self.held, self.open = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        if self._left == 0:
            self.held.set()
            await self.open.wait()
        self._left -= 1


class Stepped:
    """A store whose every call waits at a gate."""

    def __init__(self, store: Any, gate: Gate) -> None:
        self._store, self._gate = store, gate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._store, name)
        if name == "pages":
            return call

        async def waiting(*args: Any, **named: Any) -> Any:
            await self._gate.wait()
            return await call(*args, **named)

        return waiting


def stepped(held: Places, gate: Gate) -> Places:
    return Places(**{name: Stepped(getattr(held, name), gate) for name in held.__struct_fields__})


def handler(held: Places) -> BatchHandler:
    metrics = worker_metrics()
    return BatchHandler(
        normalize=normalizer(MAPPER, window_ms=WINDOW_MS),
        screen=Screen(held, eraser_of(held), metrics),
        linker=Linker(held.graph, IDENTITY, metrics),
        buffer=held.buffer,
        queue=held.queue,
        dead_letters=ScreenedLetters(held.dead_letters, Sweep(held), lambda: NOW_MS),
        clock_ms=lambda: NOW_MS,
        marked=lambda: None,
        metrics=metrics,
    )


def refresher(held: Places, clock_ms: Callable[[], int]) -> Refresher:
    people = People(held.graph, IDENTITY)
    events = PersonEvents(held.buffer, people, IDENTITY, max_events=100)
    return Refresher(
        queue=held.queue,
        updater=UserModelUpdater(events, held.models, CONTENTS, BASIS),
        sweep=Sweep(held),
        clock_ms=clock_ms,
        users_a_round=20,
        poll_ms=1,
        again_after_ms=DAY_MS,
        metrics=worker_metrics(),
        beat=lambda: None,
    )


class World:
    """The stores, and a stream with one body that a worker has in hand."""

    def __init__(self, held: Places, client: Client | None) -> None:
        self.held, self.client = held, client
        self.now_ms = NOW_MS
        self.eraser = Eraser(held, IDENTITY, term_ms=60 * DAY_MS, pause=self.pause)

    async def pause(self) -> None:
        """Whoever is held does not go on meanwhile."""

    async def deliver(self, worker: str) -> Sequence[RawBatch]:
        if self.client is None:
            return [plain_batch("1-0", BODY)]
        await RedisPendingBatches(self.client, shard=0, consumer="w").ensure_group()
        await self.client.xadd(KEY, entry_fields(BODY, None, NOW_MS))
        found: Any = await self.client.xreadgroup(GROUP, worker, {KEY: ">"})
        return [raw_batch(entry_id, fields) for _, some in found for entry_id, fields in some]

    async def acknowledge(self) -> None:
        if self.client is not None:
            pending = RedisPendingBatches(self.client, shard=0, consumer="w")
            await pending.acknowledge(await self.taken_over())

    async def taken_over(self) -> Sequence[RawBatch]:
        """What a dead worker had in hand."""
        if self.client is None:
            return [plain_batch("1-0", BODY)]
        pending = RedisPendingBatches(self.client, shard=0, consumer="w")
        stale = await pending.stale(idle_ms=0, limit=9)
        return await pending.take([one.entry_id for one in stale], idle_ms=0)

    async def settle(self) -> None:
        """What is finished is trimmed, leases end, and whoever is due is refreshed."""
        if self.client is not None:
            await RedisPendingBatches(self.client, shard=0, consumer="w").trim()
        for _ in range(2):
            self.now_ms += TIMES.lease_ms
            for _ in range(5):
                await refresher(self.held, lambda: self.now_ms).refresh_round()

    async def check(self, receipt: Receipt) -> None:
        """Nothing is left of the erased, and all of the other."""
        exporter = Exporter(self.held, self.eraser)
        for one in receipt.ids:
            export = await exporter.export(one, now_ms=NOW_MS)
            kept = [export.events, export.model, export.links, export.refreshes]
            assert not any([*kept, export.stream, export.dead_letters]), (one, export)
        if self.client is not None:
            traces = RedisTraces(self.client)
            left = [
                trace
                async for key in traces.keys()  # noqa: SIM118 - no dict
                async for trace in traces.find(key, receipt.ids)
            ]
            assert left == []
        other = await exporter.export("bob", now_ms=NOW_MS)
        assert [one.content_id for one in other.events] == ["hiding-0"]
        assert other.model is not None
        assert [one.reason for one in other.dead_letters] == ["unknown_type"]


def in_memory() -> World:
    held = places(
        queue=InMemoryDueQueue(TIMES),
        dead_letters=InMemoryDeadLetters(max_letters=99, max_bytes=10**6, clock_ms=lambda: NOW_MS),
    )
    return World(held, None)


def in_redis(client: Client) -> World:
    held = Places(
        tombstones=RedisTombstones(client, key=b"k", window_ms=WINDOW_MS, clock_ms=lambda: NOW_MS),
        buffer=RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=99, model_ttl_s=600),
        models=RedisUserModelStore(client, ttl_s=600),
        graph=RedisIdentityGraph(client, IDENTITY),
        queue=RedisDueQueue(client, TIMES, shards=1),
        batches=RedisStoredBatches(client, shards=1),
        dead_letters=RedisDeadLetters(client, max_letters=99, max_bytes=10**6),
    )
    return World(held, client)


@pytest.fixture(params=["memory", "redis"])
def make(
    request: pytest.FixtureRequest, runner: asyncio.Runner, valkey: Client
) -> Callable[[], World]:
    def world() -> World:
        if request.param == "memory":
            return in_memory()
        runner.run(emptied(valkey))
        return in_redis(valkey)

    return world


Work = Callable[[World, Gate], Awaitable[object]]


async def handling(world: World, gate: Gate) -> None:
    await handler(stepped(world.held, gate)).handle(await world.deliver("w"))


async def refreshing(world: World, gate: Gate) -> None:
    await handler(world.held).handle(await world.deliver("w"))
    await world.acknowledge()
    await refresher(stepped(world.held, gate), lambda: world.now_ms).refresh_round()


async def erased_at(world: World, work: Work, step: int, *, dies: bool) -> bool:
    """Erase before a worker's step, after which it goes on or is dead; whether it came to it."""
    gate = Gate(step)
    working = asyncio.ensure_future(work(world, gate))
    held = asyncio.ensure_future(gate.held.wait())
    await asyncio.wait([working, held], return_when=asyncio.FIRST_COMPLETED)
    is_held = gate.held.is_set()
    held.cancel()
    receipt = await world.eraser.erase("ada", now_ms=NOW_MS)
    gate.open.set()
    if dies and is_held:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        if work is handling:
            await handler(world.held).handle(await world.taken_over())
    else:
        await working
    await world.acknowledge()
    await world.settle()
    await world.check(receipt)
    return is_held


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("work", [handling, refreshing])
def test_a_worker_at_any_step_of_an_erasing_leaves_nothing(
    make: Callable[[], World], runner: asyncio.Runner, work: Work, *, dies: bool
) -> None:
    for step in range(ALL_STEPS):
        if not runner.run(erased_at(make(), work, step, dies=dies)):
            assert step > 7
            return
    pytest.fail("the worker has more steps")
