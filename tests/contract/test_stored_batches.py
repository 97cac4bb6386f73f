"""What every `StoredBatches` holds: bodies change or go in one step, but for those in a hand."""

from typing import Any

import pytest

from adapters.memory.stream import InMemoryRawBatchStream
from adapters.redis.connection import Client
from adapters.redis.keys import GROUP, discard_key, stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.shard_states import shard_states
from adapters.redis.stored_batches import RedisStoredBatches
from adapters.redis.stream import entry_fields
from core.erasing.stored import StoredBatches
from core.queues import RawBatch
from tests.build import NOW_MS

KEY = stream_key(0)


async def add(client: Client, *bodies: bytes, shard: int = 0) -> None:
    for body in bodies:
        await client.xadd(stream_key(shard), entry_fields(body, "track", NOW_MS))


async def all_of(batches: StoredBatches) -> list[RawBatch]:
    return [one async for page in batches.pages() for one in page]


async def bodies(batches: StoredBatches) -> list[bytes]:
    return [one.body for one in await all_of(batches)]


async def read(client: Client, count: int = 100) -> list[bytes]:
    """The ids of entries that a worker now has in hand."""
    found: Any = await client.xreadgroup(GROUP, "worker", {KEY: ">"}, count=count)
    return [entry_id for _, entries in found for entry_id, _ in entries]


class TestStoredInMemory:
    async def test_an_unread_body_is_replaced_in_its_place_or_removed(self) -> None:
        stream = InMemoryRawBatchStream(max_entries=9, clock_ms=lambda: NOW_MS)
        for body in (b"1", b"2", b"3"):
            await stream.enqueue(body, call_type=None, received_ms=5)
        first, second, _ = await all_of(stream)
        assert await stream.replace(first, b"one") == "replaced"
        assert await stream.replace(second, None) == "replaced"
        assert await stream.replace(second, b"two") == "gone"
        assert await bodies(stream) == [b"one", b"3"]
        assert [one.received_ms for one in await stream.read(limit=9)] == [5, 5]


class TestStoredInRedis:
    @pytest.fixture
    async def batches(self, client: Client) -> RedisStoredBatches:
        await RedisPendingBatches(client, shard=0, consumer="w").ensure_group()
        return RedisStoredBatches(client, shards=2)

    async def test_pages_hold_everything_of_every_shard_finished_or_not(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, *(b"%d" % number for number in range(60)))
        await add(client, b"other", shard=1)
        for entry_id in await read(client, 20):
            await client.xack(KEY, GROUP, entry_id)
        found = await all_of(batches)
        assert [one.body for one in found] == [*(b"%d" % n for n in range(60)), b"other"]
        assert [found[0].shard, found[-1].shard] == [0, 1]

    async def test_an_unread_body_is_read_changed_with_its_first_receipt_and_call(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, b"1", b"2")
        first, _ = await all_of(batches)
        assert await batches.replace(first, b"one") == "replaced"
        other, copy = await all_of(batches)
        assert [other.body, copy.body] == [b"2", b"one"]
        assert (copy.received_ms, copy.call_type) == (NOW_MS, "track")
        assert len(await read(client)) == 2

    async def test_an_unread_body_without_anything_is_gone(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, b"1", b"2")
        first, _ = await all_of(batches)
        assert await batches.replace(first, None) == "replaced"
        assert await batches.replace(first, b"one") == "gone"
        assert await bodies(batches) == [b"2"]

    async def test_a_body_in_a_hand_stays_and_a_finished_one_is_only_removed(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, b"1")
        [entry_id] = await read(client)
        [batch] = await all_of(batches)
        assert await batches.replace(batch, b"one") == "in_hand"
        assert await bodies(batches) == [b"1"]
        await client.xack(KEY, GROUP, entry_id)
        assert await batches.replace(batch, b"one") == "replaced"
        assert await bodies(batches) == []

    async def test_a_body_in_a_hand_goes_at_the_next_trim_after_it_was_finished(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, b"1", b"2")
        entry_ids = await read(client)
        await batches.replace((await all_of(batches))[1], None)
        pending = RedisPendingBatches(client, shard=0, consumer="w")
        await pending.trim()
        assert await bodies(batches) == [b"1", b"2"]
        await client.xack(KEY, GROUP, entry_ids[1])
        await pending.trim()
        assert await bodies(batches) == [b"1"]
        assert not await client.exists(discard_key(0))

    async def test_a_body_that_another_group_has_yet_to_read_is_copied(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await client.xgroup_create(KEY, "another", id="0")
        await add(client, b"1")
        await client.xack(KEY, GROUP, *await read(client))
        [batch] = await all_of(batches)
        assert await batches.replace(batch, b"one") == "replaced"
        assert await bodies(batches) == [b"one"]

    async def test_a_body_that_nobody_was_ever_to_read_is_copied(self, client: Client) -> None:
        batches = RedisStoredBatches(client, shards=1)
        await add(client, b"1")
        [batch] = await all_of(batches)
        assert await batches.replace(batch, b"one") == "replaced"
        assert await bodies(batches) == [b"one"]

    async def test_a_worker_that_died_before_it_acknowledged_leaves_nothing_behind(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, b"1", b"2")
        await read(client)
        await batches.discard((await all_of(batches))[:1])
        pending = RedisPendingBatches(client, shard=0, consumer="heir")
        assert [one.body for one in await pending.own(limit=9)] == []
        stale = await pending.stale(idle_ms=0, limit=9)
        assert len(stale) == 2
        taken = await pending.take([one.entry_id for one in stale], idle_ms=0)
        assert [one.body for one in taken] == [b"2"]
        assert len(await pending.stale(idle_ms=0, limit=9)) == 1
        assert [one.body for one in await pending.own(limit=9)] == [b"2"]

    async def test_what_waits_is_told_right_after_bodies_were_replaced(
        self, client: Client, batches: RedisStoredBatches
    ) -> None:
        await add(client, b"1", b"2", b"3")
        await read(client, 1)
        await batches.replace((await all_of(batches))[1], b"two")
        [state] = await shard_states(client, [0])
        assert (state.lag, state.pending) == (2, 1)
        await batches.replace((await all_of(batches))[1], None)
        [state] = await shard_states(client, [0])
        assert (state.lag, state.pending) == (1, 1)
