"""A keeper over a real server: outages cost an entry nothing, and only bugs bring it to the cap."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from adapters.redis.connection import Client
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.keys import GROUP, stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import BODY_FIELD
from core.errors import RetryableError
from core.identity.node import IdentityConfig
from core.queues import Debounce, RawBatch, StaleEntry
from ingest_worker.batches import BatchHandler, normalizer
from ingest_worker.keeper import EXHAUSTED, KeeperPace, StreamKeeper
from ingest_worker.linking import Linker
from ingest_worker.screening import Screen
from tests.build import MAPPER, NOW_MS, WINDOW_MS, worker_metrics
from tests.places import eraser_of, places

KEY = stream_key(0)
MAX_DELIVERIES = 10
PAGE = b'{"type": "page", "userId": "u1", "messageId": "m1"}'
# The server drops whole nodes of a stream, a hundred entries each.
MANY = 350

Handle = Callable[[Sequence[RawBatch]], Awaitable[None]]


async def nothing() -> None:
    """Revives nobody."""


def beat() -> None:
    """Beats for nobody."""


async def away(_: Sequence[RawBatch]) -> None:
    raise RetryableError("away")


async def bug(_: Sequence[RawBatch]) -> None:
    raise ValueError("a bug")


async def left(client: Client, count: int = 1) -> list[str]:
    """Entries that a consumer had read when it died; returns their ids."""
    batches = RedisPendingBatches(client, shard=0, consumer="heir")
    await batches.ensure_group()
    for _ in range(count):
        await client.xadd(KEY, {BODY_FIELD: PAGE})
    read: Any = await client.xreadgroup(GROUP, "gone", {KEY: ">"}, count=count)
    [[_, entries]] = read
    return [entry_id.decode() for entry_id, _ in entries]


async def counts(client: Client) -> dict[str, int]:
    """How often each pending entry was delivered."""
    batches = RedisPendingBatches(client, shard=0, consumer="heir")
    return {one.entry_id: one.deliveries for one in await batches.stale(idle_ms=0, limit=100)}


def letters_of(client: Client) -> RedisDeadLetters:
    return RedisDeadLetters(client, max_letters=100, max_bytes=10**9)


def buffer_of(client: Client) -> RedisEventBuffer:
    return RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=10, model_ttl_s=600)


def handler_of(client: Client) -> BatchHandler:
    metrics, config = worker_metrics(), IdentityConfig()
    return BatchHandler(
        normalize=normalizer(MAPPER, window_ms=WINDOW_MS),
        screen=Screen(places(), eraser_of(places()), metrics),
        linker=Linker(RedisIdentityGraph(client, config), config, metrics),
        buffer=buffer_of(client),
        queue=RedisDueQueue(client, Debounce(), shards=1),
        dead_letters=letters_of(client),
        clock_ms=lambda: NOW_MS,
        marked=beat,
        metrics=metrics,
    )


def keeper_of(client: Client, handle: Handle) -> StreamKeeper:
    """To it everything that is pending is stale."""
    return StreamKeeper(
        RedisPendingBatches(client, shard=0, consumer="heir"),
        handle,
        revive=nothing,
        dead_letters=letters_of(client),
        pace=KeeperPace(every_ms=1, stale_ms=0, gone_ms=60_000, max_deliveries=MAX_DELIVERIES),
        metrics=worker_metrics(),
        beat=beat,
    )


class TestForgive:
    async def test_each_entry_gets_its_own_earlier_count_back_and_stays_pending(
        self, client: Client
    ) -> None:
        first, second, third = await left(client, 3)
        batches = RedisPendingBatches(client, shard=0, consumer="heir")
        for _ in range(3):
            await batches.take([second], idle_ms=0)
        before = await counts(client)
        assert before == {first: 1, second: 4, third: 1}
        stale = await batches.stale(idle_ms=0, limit=9)
        await batches.take([first, second, third], idle_ms=0)
        assert await counts(client) == {first: 2, second: 5, third: 2}
        await batches.forgive(stale)
        assert await counts(client) == before
        assert [one.body for one in await batches.own(limit=9)] == [PAGE] * 3

    async def test_only_the_entries_that_are_named_are_forgiven(self, client: Client) -> None:
        first, second = await left(client, 2)
        batches = RedisPendingBatches(client, shard=0, consumer="heir")
        await batches.take([first, second], idle_ms=0)
        await batches.forgive([StaleEntry(entry_id=first, deliveries=1)])
        assert await counts(client) == {first: 1, second: 2}

    async def test_what_was_finished_meanwhile_does_not_come_back(self, client: Client) -> None:
        [entry] = await left(client)
        batches = RedisPendingBatches(client, shard=0, consumer="heir")
        await batches.acknowledge(await batches.take([entry], idle_ms=0))
        await batches.forgive([StaleEntry(entry_id=entry, deliveries=1)])
        assert await counts(client) == {}


class TestCap:
    async def test_an_entry_that_meets_outage_after_outage_is_never_given_up(
        self, client: Client
    ) -> None:
        [entry] = await left(client)
        for _ in range(2 * MAX_DELIVERIES):
            with pytest.raises(RetryableError):
                await keeper_of(client, away).keep(asyncio.Event())
        assert await counts(client) == {entry: 1}
        assert await letters_of(client).count() == 0

    async def test_an_entry_that_fails_as_a_bug_is_given_up_at_the_cap(
        self, client: Client
    ) -> None:
        [entry] = await left(client)
        tries = 0

        async def counted(batches: Sequence[RawBatch]) -> None:
            nonlocal tries
            tries += 1
            await bug(batches)

        await keeper_of(client, counted).keep(
            asyncio.Event()
        )  # it is stale again at once, and so to the end
        [letter] = [one.letter for one in await letters_of(client).latest(limit=9)]
        assert (letter.reason, letter.entry_id, letter.body) == (EXHAUSTED, entry, PAGE)
        assert letter.deliveries == MAX_DELIVERIES
        assert tries == MAX_DELIVERIES - 1, "the first delivery was to the consumer that died"
        assert await counts(client) == {}


class TestFullServer:
    async def test_entries_tried_while_it_is_full_are_applied_once_there_is_room(
        self, own_client: Client
    ) -> None:
        """It reads and claims while it is full, and refuses to add an event."""
        [entry] = await left(own_client)
        handler = handler_of(own_client)

        async def full(batches: Sequence[RawBatch]) -> None:
            await own_client.config_set("maxmemory", "1")
            await handler.handle(batches)

        for _ in range(2 * MAX_DELIVERIES):
            await own_client.config_set("maxmemory", "0")
            with pytest.raises(RetryableError, match="appending events"):
                await keeper_of(own_client, full).keep(asyncio.Event())
        assert await counts(own_client) == {entry: 1}
        await own_client.config_set("maxmemory", "0")
        await keeper_of(own_client, handler.handle).keep(asyncio.Event())
        [window] = await buffer_of(own_client).fetch_events(["u1"], since_ms=0)
        assert len(window.events) == 1
        assert await counts(own_client) == {}
        assert await letters_of(own_client).count() == 0

    async def test_an_exhausted_entry_stays_pending_while_no_letter_can_be_stored(
        self, own_client: Client
    ) -> None:
        [entry] = await left(own_client)
        batches = RedisPendingBatches(own_client, shard=0, consumer="heir")
        for _ in range(MAX_DELIVERIES):
            await batches.take([entry], idle_ms=0)
        await own_client.config_set("maxmemory", "1")
        with pytest.raises(RetryableError):
            await keeper_of(own_client, bug).keep(asyncio.Event())
        assert list(await counts(own_client)) == [entry]
        await own_client.config_set("maxmemory", "0")
        await keeper_of(own_client, bug).keep(asyncio.Event())
        assert await letters_of(own_client).count() == 1
        assert await counts(own_client) == {}

    async def test_what_is_finished_is_trimmed_so_that_there_is_room_again(
        self, own_client: Client
    ) -> None:
        """Else a server full of finished entries stays full, and no reader starts on it."""
        ids = await left(own_client, MANY)
        await own_client.xack(KEY, GROUP, *ids[:-1])
        await own_client.config_set("maxmemory", "1")

        async def refused() -> None:
            raise RetryableError("a reader cannot be started on a full server")

        keeper = keeper_of(own_client, handler_of(own_client).handle)
        keeper._revive = refused
        with pytest.raises(RetryableError, match="a reader"):
            await keeper.keep(asyncio.Event())
        assert await own_client.xlen(KEY) <= 100
        assert await counts(own_client) == {ids[-1]: 1}


class TestTrim:
    async def test_it_stays_behind_the_slowest_of_two_groups(self, client: Client) -> None:
        ids = await left(client, MANY)
        await client.xgroup_create(KEY, "slow", id="0")
        batches = RedisPendingBatches(client, shard=0, consumer="heir")
        await client.xack(KEY, GROUP, *ids)
        await batches.trim()
        assert await client.xlen(KEY) == MANY, "the other group has read nothing"
        await client.xreadgroup("slow", "reader", {KEY: ">"}, count=MANY)
        await client.xack(KEY, "slow", *ids[:150])
        await batches.trim()
        found: Any = await client.xrange(KEY)
        kept = [entry_id.decode() for entry_id, _ in found]
        assert set(ids[150:]) <= set(kept), "the other group has them in hand"
        assert len(kept) < MANY
        await client.xack(KEY, "slow", *ids[150:])
        await batches.trim()
        assert await client.xlen(KEY) <= 100
