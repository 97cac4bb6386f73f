"""What every `DueQueue` tells of its users: since when they wait, how many, and when it is full."""

from collections.abc import Callable
from contextlib import suppress

import msgspec
import pytest

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.redis.connection import Client
from adapters.redis.due_queue import RedisDueQueue
from core.errors import RetryableError
from core.queues import Debounce, DueQueue, QueueDepth
from tests.build import NOW_MS, accepted

TIMES = Debounce(debounce_ms=250, max_wait_ms=2_000, lease_ms=30_000)
MakeQueue = Callable[[Debounce], DueQueue]


@pytest.fixture(params=["memory", "server", "cluster"])
def make_queue(request: pytest.FixtureRequest) -> MakeQueue:
    """Queues of one shard: a bound of several is shared out by the users' ids."""
    if request.param == "memory":
        return InMemoryDueQueue
    client = request.getfixturevalue(f"{request.param}_client")
    return lambda debounce: RedisDueQueue(client, debounce, shards=1)


@pytest.fixture
def queue(make_queue: MakeQueue) -> DueQueue:
    return make_queue(TIMES)


async def popped(queue: DueQueue, at_ms: int) -> dict[str, int | None]:
    """Who is popped so many milliseconds after the start, and since when their events wait."""
    found = await queue.pop(limit=100, now_ms=NOW_MS + at_ms)
    return {user.user_id: user.accepted_ms for user in found}


class TestAcceptanceTimes:
    async def test_the_oldest_acceptance_stays(self, queue: DueQueue) -> None:
        for at_ms in (500, 200, 900):
            await queue.mark({"u1": at_ms, "u2": 1_000 - at_ms}, now_ms=NOW_MS)
        assert await popped(queue, 0) == {"u1": 200, "u2": 100}

    async def test_a_mark_without_an_event_has_no_acceptance(self, queue: DueQueue) -> None:
        await queue.mark({"u1": None}, now_ms=NOW_MS)
        assert await popped(queue, 0) == {"u1": None}

    @pytest.mark.parametrize("order", [(None, 200), (200, None)])
    async def test_a_mark_without_an_event_takes_no_acceptance_away(
        self, queue: DueQueue, order: tuple[int | None, ...]
    ) -> None:
        for at_ms in order:
            await queue.mark({"u1": at_ms}, now_ms=NOW_MS)
        assert await popped(queue, 0) == {"u1": 200}

    async def test_a_lapsed_lease_gives_its_acceptance_back(self, queue: DueQueue) -> None:
        """Or a refresher that was killed would make the freshness look better than it is."""
        await queue.mark({"u1": 200}, now_ms=NOW_MS)
        assert await popped(queue, 0) == {"u1": 200}
        assert await popped(queue, 30_000) == {"u1": 200}
        assert await popped(queue, 60_000) == {"u1": 200}

    async def test_a_lapsed_lease_and_later_events_have_the_oldest_acceptance(
        self, queue: DueQueue
    ) -> None:
        await queue.mark({"u1": 200, "u2": 900}, now_ms=NOW_MS)
        await popped(queue, 0)
        await queue.mark({"u1": 900, "u2": 200}, now_ms=NOW_MS + 100)
        assert await popped(queue, 30_000) == {"u1": 200, "u2": 200}

    async def test_a_completed_refresh_takes_the_acceptance_along(self, queue: DueQueue) -> None:
        await queue.mark({"u1": 200}, now_ms=NOW_MS)
        held = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.complete(held, again_ms=NOW_MS + 60_000)
        assert await popped(queue, 60_000) == {"u1": None}, "a booked refresh has no new event"

    async def test_events_during_a_refresh_keep_their_own_acceptance(self, queue: DueQueue) -> None:
        await queue.mark({"u1": 200}, now_ms=NOW_MS)
        held = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark({"u1": 700}, now_ms=NOW_MS + 100)
        await queue.mark({"u1": 600}, now_ms=NOW_MS + 110)
        await queue.complete(held, again_ms=None)
        assert await popped(queue, 1_000) == {"u1": 600}

    async def test_an_acceptance_of_today_comes_back_to_the_millisecond(
        self, queue: DueQueue
    ) -> None:
        await queue.mark({"u1": NOW_MS + 1}, now_ms=NOW_MS)
        assert await popped(queue, 0) == {"u1": NOW_MS + 1}


class TestDepth:
    async def test_every_state_of_a_user_is_counted_once(self, queue: DueQueue) -> None:
        async def depth() -> tuple[int, int, int]:
            found: QueueDepth = await queue.depth()
            return found.pending, found.leased, found.booked

        assert await depth() == (0, 0, 0)
        await queue.mark(accepted("booked"), now_ms=NOW_MS)
        await queue.complete(await queue.pop(limit=1, now_ms=NOW_MS), again_ms=NOW_MS + 90_000)
        assert await depth() == (0, 0, 1)
        await queue.mark(accepted("u1", "u2"), now_ms=NOW_MS)
        assert await depth() == (2, 0, 1)
        held = await queue.pop(limit=9, now_ms=NOW_MS)
        assert await depth() == (0, 2, 1)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 100)
        assert await depth() == (1, 2, 1), "u1 is refreshed and waits for the next one"
        assert await popped(queue, 500) == {}
        assert await depth() == (1, 2, 1), "due, and still in flight"
        await queue.complete(held, again_ms=NOW_MS + 60_000)
        assert await depth() == (1, 0, 2)
        assert list(await popped(queue, 600)) == ["u1"]
        assert await depth() == (0, 1, 2)
        await queue.mark(accepted("u2"), now_ms=NOW_MS + 700)
        assert await depth() == (1, 1, 1), "a mark pulls a booking forward"
        assert list(await popped(queue, 40_000)) == ["u2", "u1"]
        assert await depth() == (0, 2, 1), "a lease that lapsed was taken over"

    async def test_the_shards_are_counted_together(self, server_client: Client) -> None:
        queue = RedisDueQueue(server_client, TIMES, shards=3)
        users = [f"u{number}" for number in range(30)]
        await queue.mark(accepted(*users), now_ms=NOW_MS)
        assert await queue.depth() == QueueDepth(pending=30, leased=0, booked=0)
        done = await queue.pop(limit=12, now_ms=NOW_MS)
        assert await queue.depth() == QueueDepth(pending=18, leased=12, booked=0)
        await queue.complete(done, again_ms=NOW_MS + 60_000)
        assert await queue.depth() == QueueDepth(pending=18, leased=0, booked=12)


class TestMaxPending:
    @pytest.fixture
    def small(self, make_queue: MakeQueue) -> DueQueue:
        """Room for three."""
        return make_queue(msgspec.structs.replace(TIMES, max_pending=3))

    async def test_up_to_the_bound_users_may_wait(self, small: DueQueue) -> None:
        await small.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        assert list(await popped(small, 0)) == ["u1", "u2", "u3"]

    async def test_in_a_full_queue_nobody_is_marked(self, small: DueQueue) -> None:
        await small.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        for users in (("u4",), ("u1", "u4")):
            with pytest.raises(RetryableError, match="3 users wait"):
                await small.mark(accepted(*users), now_ms=NOW_MS)
        assert (await small.depth()).pending == 3

    async def test_who_finds_room_marks_all_of_theirs(self, small: DueQueue) -> None:
        await small.mark(accepted("u1", "u2", at_ms=500), now_ms=NOW_MS)
        await small.mark(accepted("u3", "u4", "u1", at_ms=200), now_ms=NOW_MS)
        assert await popped(small, 0) == {"u1": 200, "u2": 500, "u3": 200, "u4": 200}

    async def test_batches_larger_than_the_bound_are_all_refreshed(self, small: DueQueue) -> None:
        """Each comes again until it is marked, as an entry that is not finished does."""
        batches = [[f"u{batch}-{number}" for number in range(10)] for batch in range(3)]
        seen: set[str] = set()
        for step in range(20):
            for batch in list(batches):
                with suppress(RetryableError):
                    await small.mark(accepted(*batch), now_ms=NOW_MS + 1_000 * step)
                    batches.remove(batch)
            done = await small.pop(limit=4, now_ms=NOW_MS + 1_000 * step)
            seen.update(user.user_id for user in done)
            await small.complete(done, again_ms=None)
        assert len(seen) == 30

    async def test_more_users_than_fit_one_script_are_marked(self, small: DueQueue) -> None:
        users = [f"u{number}" for number in range(2_500)]
        await small.mark(accepted(*users), now_ms=NOW_MS)
        assert (await small.depth()).pending == 2_500

    async def test_a_refused_mark_leaves_nothing_behind(self, small: DueQueue) -> None:
        await small.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        with pytest.raises(RetryableError):
            await small.mark(accepted("u4", at_ms=200), now_ms=NOW_MS)
        await popped(small, 0)
        assert await popped(small, 10_000) == {}
        await small.mark({"u4": 900}, now_ms=NOW_MS + 10_000)
        assert await popped(small, 10_000) == {"u4": 900}

    async def test_there_is_room_again_after_a_pop(self, small: DueQueue) -> None:
        await small.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        await small.pop(limit=1, now_ms=NOW_MS)
        await small.mark(accepted("u4"), now_ms=NOW_MS)
        with pytest.raises(RetryableError):
            await small.mark(accepted("u5"), now_ms=NOW_MS)

    async def test_booked_users_take_no_room_until_they_are_marked(self, small: DueQueue) -> None:
        await small.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        done = await small.pop(limit=9, now_ms=NOW_MS)
        await small.complete(done, again_ms=NOW_MS + 60_000)
        await small.mark(accepted("u4", "u5", "u6"), now_ms=NOW_MS + 1_000)
        with pytest.raises(RetryableError):
            await small.mark(accepted("u1"), now_ms=NOW_MS + 1_000)
        assert set(await popped(small, 60_000)) == {f"u{n}" for n in range(1, 7)}

    async def test_lapsed_leases_come_back_into_a_full_queue(self, small: DueQueue) -> None:
        """Whoever was marked once is refreshed once, however full it is."""
        await small.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        await popped(small, 0)
        await small.mark(accepted("u4", "u5", "u6"), now_ms=NOW_MS + 29_000)
        assert set(await popped(small, 30_000)) == {f"u{n}" for n in range(1, 7)}
