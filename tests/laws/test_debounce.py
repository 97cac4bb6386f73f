"""The debounce against a simple model of it, through any order of what workers may do."""

import asyncio
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.redis.connection import Client
from adapters.redis.due_queue import RedisDueQueue
from core.queues import DueQueue, DueUser
from tests.build import NOW_MS
from tests.laws.conftest import emptied
from tests.laws.debounce_model import TIMES, Owed, mark_due

USERS = ("u1", "u2", "u3")
WORKERS = st.sampled_from(("fast", "slow"))
# Around the edges of debounce, longest wait and lease, where rules begin and end.
PASSING_MS = st.sampled_from((1, 100, 249, 250, 250, 1_999, 30_000))
BOOKED_MS = st.none() | st.sampled_from((1, 250, 60_000))
EXAMPLES = settings(max_examples=150, stateful_step_count=50, deadline=None)


class DebounceMachine(RuleBasedStateMachine):
    """Two workers over one queue. The laws are in `pop`: that is where a queue can be wrong."""

    def __init__(self, runner: asyncio.Runner, queue: DueQueue) -> None:
        super().__init__()
        self.runner, self.queue = runner, queue
        self.now_ms = NOW_MS
        self.skew_ms = 0
        self.owed = {user: Owed() for user in USERS}
        self.handed_out: list[DueUser] = []

    def clock_ms(self, worker: str) -> int:
        return self.now_ms - (self.skew_ms if worker == "slow" else 0)

    @initialize(skew_ms=st.sampled_from((0, 0, 7)))
    def clocks_differ(self, skew_ms: int) -> None:
        self.skew_ms = skew_ms

    @rule(ms=PASSING_MS)
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule(worker=WORKERS, users=st.lists(st.sampled_from(USERS), min_size=1, unique=True))
    def mark(self, worker: str, users: list[str]) -> None:
        now_ms = self.clock_ms(worker)
        self.runner.run(mark_due(self.queue, users, now_ms))
        for user in users:
            self.owed[user].marks.append(now_ms)

    @rule(
        worker=WORKERS,
        ms=st.sampled_from((0, 0, 1, 249, 250)),
        again_ms=BOOKED_MS,
        users=st.lists(st.sampled_from(USERS), max_size=1),
    )
    def refresh(self, worker: str, ms: int, again_ms: int | None, users: list[str]) -> None:
        """A whole one, with events of some users in the middle of it."""
        before = len(self.handed_out)
        self.pop(worker, 9)
        self.time_passes(ms)
        self.mark(worker, users)
        self.complete(list(range(len(self.handed_out) - before)), None, again_ms)

    @rule(worker=WORKERS, user=st.sampled_from(USERS), times=st.sampled_from((2, 10)))
    def events_do_not_end(self, worker: str, user: str, times: int) -> None:
        for _ in range(times):
            self.time_passes(TIMES.debounce_ms - 10)
            self.mark(worker, [user])

    @rule(worker=WORKERS, limit=st.sampled_from((1, 2, 9)))
    def pop(self, worker: str, limit: int) -> None:
        now_ms = self.clock_ms(worker)
        popped = self.runner.run(self.queue.pop(limit=limit, now_ms=now_ms))
        for owed in self.owed.values():
            owed.lapse(now_ms)
        self.check_who(popped, limit, now_ms)
        if not self.skew_ms:
            self.check_order([user.user_id for user in popped], now_ms)
        for user in popped:
            assert user.accepted_ms == self.owed[user.user_id].accepted_ms()
            self.owed[user.user_id].lease(user.token, now_ms)
        self.handed_out += popped

    @rule(
        back=st.lists(st.integers(0, 5), min_size=1, max_size=3),
        owner=st.none() | st.sampled_from(USERS),
        again_ms=BOOKED_MS,
    )
    def complete(self, back: list[int], owner: str | None, again_ms: int | None) -> None:
        """With tokens that are held, ended long since or, with an `owner`, somebody else's."""
        chosen = [self.handed_out[-1 - ago] for ago in back if ago < len(self.handed_out)]
        done = [DueUser(owner or user.user_id, user.token) for user in chosen]
        booked_ms = None if again_ms is None else self.now_ms + again_ms
        self.runner.run(self.queue.complete(done, again_ms=booked_ms))
        for user in done:
            self.owed[user.user_id].complete(user.token, booked_ms)

    def check_who(self, popped: Sequence[DueUser], limit: int, now_ms: int) -> None:
        names = [user.user_id for user in popped]
        tokens = {user.token for user in popped}
        assert len(set(names)) == len(names) <= limit
        assert len(tokens - {user.token for user in self.handed_out}) == len(popped)
        free = {user: owed for user, owed in self.owed.items() if owed.token is None}
        may = {
            user
            for user, owed in free.items()
            if (due_ms := owed.due_ms(skew_ms=self.skew_ms)) is not None and due_ms <= now_ms
        }
        assert set(names) <= may, "leased to another, or not due"
        if len(names) < limit:
            must = {user for user, owed in free.items() if self.is_late(owed, now_ms)}
            assert must <= set(names), "due, and left out"

    def check_order(self, names: list[str], now_ms: int) -> None:
        """The longest waiting first, by clocks that agree."""
        waiting = {
            user: due_ms
            for user, owed in self.owed.items()
            if owed.token is None and (due_ms := owed.due_ms()) is not None and due_ms <= now_ms
        }
        times = [waiting.pop(user) for user in names]
        assert times == sorted(times)
        assert not times or all(due_ms >= times[-1] for due_ms in waiting.values())

    def is_late(self, owed: Owed, now_ms: int) -> bool:
        """Whether no clock excuses that somebody is not popped.

        A mark by a slower clock may put off who is due by the faster one, once
        by the time of a burst.
        """
        excused_ms = self.skew_ms + TIMES.debounce_ms if self.skew_ms else 0
        if owed.marks and now_ms >= owed.marks[0] + TIMES.max_wait_ms + self.skew_ms:
            return True
        due_ms = owed.due_ms()
        return due_ms is not None and due_ms + excused_ms <= now_ms

    def teardown(self) -> None:
        """All workers die: whatever was marked, leased or booked is popped, then nothing."""
        self.now_ms += 2 * TIMES.lease_ms + 60_000
        self.pop("slow", 9)
        assert not [user for user, owed in self.owed.items() if owed.due_ms() is not None]
        self.time_passes(TIMES.lease_ms - self.skew_ms - 1)
        self.pop("fast", 9)
        super().teardown()


def test_the_queue_in_memory_keeps_its_promises(runner: asyncio.Runner) -> None:
    class Machine(DebounceMachine):
        def __init__(self) -> None:
            super().__init__(runner, InMemoryDueQueue(TIMES))

    run_state_machine_as_test(Machine, settings=EXAMPLES)


def test_the_queue_in_redis_keeps_its_promises(runner: asyncio.Runner, valkey: Client) -> None:
    class Machine(DebounceMachine):
        def __init__(self) -> None:
            runner.run(emptied(valkey))
            super().__init__(runner, RedisDueQueue(valkey, TIMES, shards=1))

    run_state_machine_as_test(Machine, settings=EXAMPLES)
