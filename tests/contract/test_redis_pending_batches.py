"""What `RedisPendingBatches` holds: nothing delivered is lost, nothing unfinished is dropped."""

from typing import Any

import pytest
from redis.asyncio import Redis

from adapters.redis.keys import GROUP, stream_key
from adapters.redis.pending import RedisPendingBatches
from adapters.redis.stream import BODY_FIELD
from core.queues import RawBatch

KEY = stream_key(0)
# The server drops whole nodes of a stream, a hundred entries each.
MANY = 650


async def fill(client: Redis, count: int) -> list[str]:
    """Store so many bodies; returns the ids of their entries."""
    async with client.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.xadd(KEY, {BODY_FIELD: b"body %d" % number, b"call": b"batch"})
        return [entry_id.decode() for entry_id in await pipe.execute()]


async def deliver(client: Redis, count: int, consumer: str = "gone") -> None:
    """Let a consumer read so many entries and not finish them."""
    await client.xreadgroup(GROUP, consumer, {KEY: ">"}, count=count)


async def stored(client: Redis) -> list[str]:
    found: Any = await client.xrange(KEY)
    return [entry_id.decode() for entry_id, _ in found]


async def pending(client: Redis) -> int:
    count: int = (await client.xpending(KEY, GROUP))["pending"]
    return count


def ids(batches: list[RawBatch]) -> list[str]:
    return [batch.entry_id for batch in batches]


class TestRedisPendingBatches:
    @pytest.fixture
    async def batches(self, client: Redis) -> RedisPendingBatches:
        batches = RedisPendingBatches(client, shard=0, consumer="heir")
        await batches.ensure_group()
        return batches

    async def claimed(self, batches: RedisPendingBatches, limit: int = 1000) -> list[RawBatch]:
        stale = await batches.stale(idle_ms=0, limit=limit)
        return list(await batches.take([one.entry_id for one in stale], idle_ms=0))

    async def test_the_group_is_made_once(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        await fill(client, 3)
        await deliver(client, 2)
        await batches.ensure_group()
        assert await pending(client) == 2

    async def test_what_was_stored_before_the_group_is_delivered_too(self, client: Redis) -> None:
        entry_ids = await fill(client, 3)
        batches = RedisPendingBatches(client, shard=0, consumer="heir")
        await batches.ensure_group()
        await deliver(client, 10)
        assert ids(await self.claimed(batches)) == entry_ids

    async def test_what_another_never_finished_is_taken_over(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, 5)
        await deliver(client, 3)
        claimed = await self.claimed(batches)
        assert ids(claimed) == entry_ids[:3]  # the others were never delivered
        assert (claimed[1].body, claimed[1].call_type) == (b"body 1", "batch")
        assert claimed[1].received_ms == int(entry_ids[1].partition("-")[0])

    async def test_what_another_is_still_at_stays_theirs(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        await fill(client, 5)
        await deliver(client, 5)
        assert await batches.stale(idle_ms=60_000, limit=10) == []
        [one] = await batches.stale(idle_ms=0, limit=1)
        assert await batches.take([one.entry_id], idle_ms=60_000) == []

    async def test_the_oldest_stale_entries_come_first(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, 5)
        await deliver(client, 5)
        assert ids(await self.claimed(batches, limit=2)) == entry_ids[:2]
        await batches.acknowledge(await self.claimed(batches, limit=2))
        assert ids(await self.claimed(batches, limit=9)) == entry_ids[2:]

    async def test_what_is_acknowledged_is_done(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, 5)
        await deliver(client, 5)
        claimed = await self.claimed(batches)
        await batches.acknowledge(claimed[:2])
        assert ids(await self.claimed(batches)) == entry_ids[2:]
        await batches.acknowledge([])
        assert await pending(client) == 3

    async def test_a_pending_entry_that_was_deleted_is_no_batch(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, 3)
        await deliver(client, 3)
        await client.xdel(KEY, entry_ids[1])
        assert ids(await self.claimed(batches)) == [entry_ids[0], entry_ids[2]]

    async def test_trimming_drops_all_that_is_finished(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        await fill(client, MANY)
        await deliver(client, MANY)
        await batches.acknowledge(await self.claimed(batches))
        await batches.trim()
        assert await stored(client) == []

    async def test_trimming_keeps_everything_from_the_first_pending_entry_on(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, MANY)
        await deliver(client, MANY)
        claimed = await self.claimed(batches)
        await batches.acknowledge(claimed[:330] + claimed[331:])
        await batches.trim()
        assert await stored(client) == entry_ids[330:]
        assert ids(await self.claimed(batches)) == [entry_ids[330]]

    async def test_trimming_keeps_what_was_not_delivered(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, MANY)
        await deliver(client, 330)
        await batches.acknowledge(await self.claimed(batches))
        await batches.trim()
        assert await stored(client) == entry_ids[330:]
        await deliver(client, MANY)
        assert ids(await self.claimed(batches)) == entry_ids[330:]

    async def test_trimming_a_stream_that_nobody_has_read_drops_nothing(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        await batches.trim()
        entry_ids = await fill(client, MANY)
        await batches.trim()
        assert await stored(client) == entry_ids

    async def test_deliveries_are_counted(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, 3)
        await deliver(client, 3)
        for _ in range(2):
            await batches.take(entry_ids[:1], idle_ms=0)
        counted = [one.deliveries for one in await batches.stale(idle_ms=0, limit=10)]
        assert counted == [3, 1, 1]

    async def test_a_consumer_finds_what_it_was_given(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        entry_ids = await fill(client, 3)
        await deliver(client, 2, consumer="heir")
        await deliver(client, 1, consumer="another")
        assert ids(list(await batches.own(limit=10))) == entry_ids[:2]
        await batches.acknowledge(await batches.own(limit=10))
        assert await batches.own(limit=10) == []

    async def test_only_consumers_that_left_nothing_are_forgotten(
        self, client: Redis, batches: RedisPendingBatches
    ) -> None:
        await fill(client, 2)
        await deliver(client, 1, consumer="dead with an entry")
        await client.xgroup_createconsumer(KEY, GROUP, "long gone")
        assert await batches.remove_gone(idle_ms=60_000) == 0
        assert await batches.remove_gone(idle_ms=0) == 1
        left = {one["name"] for one in await client.xinfo_consumers(KEY, GROUP)}
        assert left == {b"dead with an entry"}
        assert await pending(client) == 1
