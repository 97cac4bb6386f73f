"""The order of a `DueQueue` with one shard, and that both adapters follow the same rules."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.redis.due_queue import RedisDueQueue
from core.ports import Debounce, DueQueue, DueUser
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


class Mark(msgspec.Struct, frozen=True):
    users: tuple[str, ...]


class Pop(msgspec.Struct, frozen=True):
    limit: int


class Complete(msgspec.Struct, frozen=True):
    """Complete the one popped so many pops ago: held, ended or completed long since."""

    pops_ago: int
    again_after_ms: int | None


Action = Mark | Pop | Complete
Step = tuple[int, Action]
"""Milliseconds that pass, and what is done then."""

USERS = st.lists(st.sampled_from(("u1", "u2", "u3")), min_size=1, max_size=3).map(tuple)
# Around the edges of debounce, longest wait and lease, where rules begin and end.
SHORT_MS = st.sampled_from((0, 0, 1, 100, 249, 250, 500))
LONG_MS = st.sampled_from((1_999, 2_000, 28_000, 29_999, 30_000))
STEPS = st.lists(
    st.tuples(
        SHORT_MS | SHORT_MS | LONG_MS,
        st.one_of(
            st.builds(Mark, USERS),
            st.builds(Pop, st.integers(1, 3)),
            st.builds(Complete, st.integers(0, 3), st.none() | SHORT_MS | LONG_MS),
        ),
    ),
    min_size=10,
    max_size=50,
)


class Player:
    """Plays steps on one queue, with the tokens that it gave out."""

    def __init__(self, queue: DueQueue) -> None:
        self._queue = queue
        self._popped: list[DueUser] = []

    async def play(self, action: Action, now_ms: int) -> list[str]:
        """Returns who was popped."""
        if isinstance(action, Mark):
            await self._queue.mark(accepted(*action.users), now_ms=now_ms)
        elif isinstance(action, Pop):
            popped = await self._queue.pop(limit=action.limit, now_ms=now_ms)
            self._popped += popped
            return [user.user_id for user in popped]
        elif action.pops_ago < len(self._popped):
            after = action.again_after_ms
            await self._queue.complete(
                [self._popped[-1 - action.pops_ago]],
                again_ms=None if after is None else now_ms + after,
            )
        return []


class TestDueQueueAdapters:
    @settings(
        max_examples=50,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],  # emptied at each start
    )
    @given(steps=STEPS)
    async def test_both_pop_the_same_users_whatever_happens(
        self, client: Redis, steps: list[Step]
    ) -> None:
        in_redis = RedisDueQueue(client, TIMES, shards=1)
        await client.delete(*in_redis._keys(0))
        memory, redis = Player(InMemoryDueQueue(TIMES)), Player(in_redis)
        now_ms = NOW_MS
        for passed_ms, action in steps:
            now_ms += passed_ms
            assert await redis.play(action, now_ms) == await memory.play(action, now_ms), action
