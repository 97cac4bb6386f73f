"""The order of a `DueQueue` with one shard."""

import pytest

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.redis.due_queue import RedisDueQueue
from core.queues import Debounce, DueQueue
from tests.build import NOW_MS, accepted

TIMES = Debounce(debounce_ms=250, max_wait_ms=2_000, lease_ms=30_000)


class TestDueQueueOrder:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def queue(self, request: pytest.FixtureRequest) -> DueQueue:
        if request.param == "memory":
            return InMemoryDueQueue(TIMES)
        return RedisDueQueue(request.getfixturevalue(f"{request.param}_client"), TIMES, shards=1)

    async def test_the_longest_waiting_come_first(self, queue: DueQueue) -> None:
        for at_ms, user_id in enumerate(("u3", "u1", "u2")):
            await queue.mark(accepted(user_id), now_ms=NOW_MS + at_ms)
        first = await queue.pop(limit=2, now_ms=NOW_MS + 10)
        assert [user.user_id for user in first] == ["u3", "u1"]
        [last] = await queue.pop(limit=2, now_ms=NOW_MS + 10)
        assert last.user_id == "u2"

    async def test_who_waits_in_flight_takes_nobodys_place(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 500)
        await queue.mark(accepted("u2"), now_ms=NOW_MS + 600)
        popped = await queue.pop(limit=1, now_ms=NOW_MS + 600)
        assert [user.user_id for user in popped] == ["u2"]
