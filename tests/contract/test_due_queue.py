"""What every `DueQueue` holds: at once after quiet, gathered in a storm, one worker a user."""

import asyncio
from itertools import chain

import pytest

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.redis.connection import Client
from adapters.redis.due_queue import RedisDueQueue
from core.queues import Debounce, DueQueue, DueUser
from tests.build import NOW_MS, accepted

TIMES = Debounce(debounce_ms=250, max_wait_ms=2_000, lease_ms=30_000)


async def popped(queue: DueQueue, at_ms: int, limit: int = 100) -> list[str]:
    """Ids popped so many milliseconds after the start of a test."""
    return [user.user_id for user in await queue.pop(limit=limit, now_ms=NOW_MS + at_ms)]


async def refreshed(queue: DueQueue, user_id: str, at_ms: int, again_ms: int | None = None) -> None:
    """Mark, pop and complete a user within one millisecond."""
    await queue.mark(accepted(user_id), now_ms=NOW_MS + at_ms)
    done = await queue.pop(limit=100, now_ms=NOW_MS + at_ms)
    assert [user.user_id for user in done] == [user_id]
    again = None if again_ms is None else NOW_MS + again_ms
    await queue.complete(done, again_ms=again)


class TestDueQueue:
    @pytest.fixture(params=["memory", "server-1", "server-3", "cluster-3"])
    def queue(self, request: pytest.FixtureRequest) -> DueQueue:
        if request.param == "memory":
            return InMemoryDueQueue(TIMES)
        kind, _, shards = request.param.partition("-")
        client = request.getfixturevalue(f"{kind}_client")
        return RedisDueQueue(client, TIMES, shards=int(shards))

    async def test_the_first_mark_is_due_at_once(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        assert await popped(queue, 0) == ["u1"]

    async def test_a_mark_after_a_quiet_time_is_due_at_once(self, queue: DueQueue) -> None:
        await refreshed(queue, "u1", at_ms=0)
        await refreshed(queue, "u1", at_ms=250)

    async def test_nobody_is_due_unmarked(self, queue: DueQueue) -> None:
        await queue.mark(accepted(), now_ms=NOW_MS)
        assert await popped(queue, 0) == []
        await queue.complete([], again_ms=None)

    async def test_a_mark_soon_after_a_refresh_is_gathered(self, queue: DueQueue) -> None:
        await refreshed(queue, "u1", at_ms=0)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        assert await popped(queue, 349) == []
        assert await popped(queue, 350) == ["u1"]

    async def test_each_mark_puts_a_gathered_refresh_off(self, queue: DueQueue) -> None:
        await refreshed(queue, "u1", at_ms=0)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 300)
        assert await popped(queue, 549) == []
        assert await popped(queue, 550) == ["u1"]

    async def test_marks_that_never_end_wait_no_longer_than_the_longest_wait(
        self, queue: DueQueue
    ) -> None:
        await refreshed(queue, "u1", at_ms=0)
        for at_ms in range(10, 2_010, 200):
            await queue.mark(accepted("u1"), now_ms=NOW_MS + at_ms)
            assert await popped(queue, at_ms) == []
        assert await popped(queue, 2_009) == []
        assert await popped(queue, 2_010) == ["u1"]

    async def test_a_mark_does_not_put_off_who_is_due(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        assert await popped(queue, 100) == ["u1"]

    async def test_a_user_marked_many_times_is_popped_once(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1", "u1"), now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        assert await popped(queue, 0) == ["u1"]
        assert await popped(queue, 29_999) == []

    async def test_a_mark_in_flight_waits_for_the_completion(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        held = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        assert await popped(queue, 1_000) == []
        await queue.complete(held, again_ms=None)
        assert await popped(queue, 1_100) == ["u1"]

    async def test_a_mark_of_who_waits_for_the_completion_puts_nothing_off(
        self, queue: DueQueue
    ) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        held = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)  # due at 350
        assert await popped(queue, 400) == []
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 450)
        await queue.complete(held, again_ms=None)
        assert await popped(queue, 500) == ["u1"]

    async def test_a_completion_late_in_the_lease_frees_who_waits(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        held = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 29_000)
        assert await popped(queue, 29_500) == []
        await queue.complete(held, again_ms=None)
        assert await popped(queue, 29_600) == ["u1"]

    async def test_a_mark_in_flight_that_is_not_due_yet_is_gathered(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        held = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        await queue.complete(held, again_ms=NOW_MS + 60_000)
        assert await popped(queue, 349) == []
        assert await popped(queue, 350) == ["u1"]

    async def test_an_ended_lease_is_handed_out_again(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        assert await popped(queue, 0) == ["u1"]
        assert await popped(queue, 29_999) == []
        assert await popped(queue, 30_000) == ["u1"]

    async def test_a_stale_token_completes_nothing(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        late = await queue.pop(limit=1, now_ms=NOW_MS)
        heir = await queue.pop(limit=1, now_ms=NOW_MS + 30_000)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 30_100)
        await queue.complete(late, again_ms=NOW_MS + 31_000)
        assert await popped(queue, 32_000) == []  # the heir still holds it
        await queue.complete(heir, again_ms=None)
        assert await popped(queue, 33_000) == ["u1"]

    async def test_a_stale_token_beside_the_held_one_hides_nothing(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        [late] = await queue.pop(limit=1, now_ms=NOW_MS)
        [heir] = await queue.pop(limit=1, now_ms=NOW_MS + 30_000)
        await queue.complete([heir, late], again_ms=NOW_MS + 40_000)
        assert await popped(queue, 40_000) == ["u1"]

    async def test_an_unknown_user_completes_nothing(self, queue: DueQueue) -> None:
        await queue.complete([DueUser("nobody", 1)], again_ms=NOW_MS)
        assert await popped(queue, 0) == []

    async def test_without_a_booking_a_completed_user_is_done(self, queue: DueQueue) -> None:
        await refreshed(queue, "u1", at_ms=0)
        assert await popped(queue, 10_000_000) == []

    async def test_a_booked_user_is_popped_at_that_time(self, queue: DueQueue) -> None:
        await refreshed(queue, "u1", at_ms=0, again_ms=60_000)
        assert await popped(queue, 59_999) == []
        assert await popped(queue, 60_000) == ["u1"]

    async def test_a_mark_after_a_quiet_time_pulls_a_booking_to_now(self, queue: DueQueue) -> None:
        await refreshed(queue, "u1", at_ms=0, again_ms=60_000)
        await refreshed(queue, "u1", at_ms=1_000)
        assert await popped(queue, 60_000) == []

    async def test_a_mark_soon_after_a_refresh_pulls_a_booking_forward(
        self, queue: DueQueue
    ) -> None:
        await refreshed(queue, "u1", at_ms=0, again_ms=60_000)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        assert await popped(queue, 349) == []
        assert await popped(queue, 350) == ["u1"]

    async def test_no_more_than_the_limit_is_popped_and_the_rest_stays(
        self, queue: DueQueue
    ) -> None:
        users = [f"u{number}" for number in range(10)]
        await queue.mark(accepted(*users), now_ms=NOW_MS)
        rounds = [await popped(queue, 0, limit=4) for _ in range(4)]
        assert [len(one) for one in rounds] == [4, 4, 2, 0]
        assert sorted(chain(*rounds)) == users

    async def test_concurrent_workers_share_the_users(self, queue: DueQueue) -> None:
        users = [f"u{number:02}" for number in range(60)]
        await queue.mark(accepted(*users), now_ms=NOW_MS)
        rounds = await asyncio.gather(*(popped(queue, 0, limit=7) for _ in range(20)))
        assert sorted(chain(*rounds)) == users

    async def test_awkward_ids_are_ids(self, queue: DueQueue) -> None:
        users = ["Zoë", "日本", "😀", "a{b", "a%7Bb", "100%", "a b", " "]
        await queue.mark(accepted(*users), now_ms=NOW_MS)
        assert sorted(await popped(queue, 0)) == sorted(users)


class TestMoreShards:
    async def test_a_lease_from_before_there_were_more_shards_is_completed(
        self, client: Client
    ) -> None:
        """Else each user who belongs to another shard now would be refreshed for ever."""
        users = [f"u{number}" for number in range(20)]
        before = RedisDueQueue(client, TIMES, shards=1)
        await before.mark(accepted(*users), now_ms=NOW_MS)
        after = RedisDueQueue(client, TIMES, shards=3)
        leased = await after.pop(limit=50, now_ms=NOW_MS)
        assert len(leased) == len(users)
        await after.complete(leased, again_ms=None)
        later = NOW_MS + 10 * TIMES.lease_ms
        assert await after.pop(limit=50, now_ms=later) == []
