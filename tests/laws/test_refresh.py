"""Two workers, interleaved step by step: in the end every model is what a full recompute gives."""

import asyncio
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from redis.asyncio import Redis

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.user_models import RedisUserModelStore
from core.events import InteractionEvent
from core.ports import Debounce
from core.updater import UserModelUpdater
from tests.build import DAY_MS, NOW_MS, WINDOW_MS, read
from tests.laws.conftest import emptied
from tests.laws.stepped_worker import BASIS, CONTENTS, SteppedWorker, Stores

TIMES = Debounce()
TTL_S = 7 * 86_400
MAX_EVENTS = 4
USERS = ("u1", "u2")
ITEMS = sorted(content.id for content in CONTENTS.contents)
EXAMPLES = settings(max_examples=80, stateful_step_count=50, deadline=None)


def in_memory() -> Stores:
    return Stores(
        buffer=InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=MAX_EVENTS),
        models=InMemoryUserModelStore(ttl_s=TTL_S, clock_s=lambda: 0.0),
        queue=InMemoryDueQueue(TIMES),
    )


def in_redis(client: Redis) -> Stores:
    return Stores(
        buffer=RedisEventBuffer(
            client, window_ms=WINDOW_MS, max_events=MAX_EVENTS, model_ttl_s=TTL_S
        ),
        models=RedisUserModelStore(client, ttl_s=TTL_S),
        queue=RedisDueQueue(client, TIMES, shards=2),
    )


class RefreshMachine(RuleBasedStateMachine):
    """Events that come, and two refreshers that may stand still or die at any step."""

    def __init__(self, runner: asyncio.Runner, make: Callable[[], Stores]) -> None:
        super().__init__()
        self.runner, self.stores = runner, make()
        self.now_ms = NOW_MS
        self.workers = [SteppedWorker(self.stores, lambda: self.now_ms) for _ in range(2)]
        self.unmarked: list[InteractionEvent] = []
        """Appended by a worker that has not marked their users yet, and may die before."""
        self.count = 0

    @rule(user=st.sampled_from(USERS), item=st.sampled_from(ITEMS), age_ms=st.integers(0, DAY_MS))
    def append(self, user: str, item: str, age_ms: int) -> None:
        self.count += 1
        event = read(
            item, 20, user_id=user, message_id=f"m{self.count}", ts_ms=self.now_ms - age_ms
        )
        self.unmarked.append(event)
        self.runner.run(self.stores.buffer.append([event], now_ms=self.now_ms))

    @rule()
    def redeliver(self) -> None:
        self.runner.run(self.stores.buffer.append(self.unmarked, now_ms=self.now_ms))

    @rule()
    def mark(self) -> None:
        users = sorted({event.user_id for event in self.unmarked})
        self.runner.run(self.stores.queue.mark(users, now_ms=self.now_ms))
        self.unmarked = []

    @rule(worker=st.integers(0, 1), steps=st.integers(1, 5))
    def refresh(self, worker: int, steps: int) -> None:
        for _ in range(steps):
            if self.runner.run(self.workers[worker].step()):
                return

    @rule(worker=st.integers(0, 1))
    def die(self, worker: int) -> None:
        self.runner.run(self.workers[worker].die())

    @rule(ms=st.sampled_from((1, 250, 2_000, TIMES.lease_ms)))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    def teardown(self) -> None:
        """Everything is delivered and every lease ends: then all models are right."""
        self.redeliver()
        self.mark()
        for _ in range(3):
            self.time_passes(TIMES.lease_ms)
            for worker in self.workers:
                while not self.runner.run(worker.step()):
                    pass
        self.runner.run(self.check())
        super().teardown()

    async def check(self) -> None:
        anew = InMemoryUserModelStore(ttl_s=TTL_S, clock_s=lambda: 0.0)
        updater = UserModelUpdater(self.stores.buffer, anew, CONTENTS, BASIS)
        for window in await self.stores.buffer.fetch_events(USERS, since_ms=0):
            model = await self.stores.models.get_signals(window.user_id)
            if model is None:
                assert not window.events, "a visitor without a model"
                continue
            assert model.revision == window.revision
            [full] = await updater.refresh(window.user_id, now_ms=model.built_at_ms)
            assert model == full.signals


def test_models_in_memory_are_what_a_full_recompute_gives(runner: asyncio.Runner) -> None:
    class Machine(RefreshMachine):
        def __init__(self) -> None:
            super().__init__(runner, in_memory)

    run_state_machine_as_test(Machine, settings=EXAMPLES)


def test_models_in_redis_are_what_a_full_recompute_gives(
    runner: asyncio.Runner, valkey: Redis
) -> None:
    class Machine(RefreshMachine):
        def __init__(self) -> None:
            runner.run(emptied(valkey))
            super().__init__(runner, lambda: in_redis(valkey))

    run_state_machine_as_test(Machine, settings=EXAMPLES)
