"""Two workers, interleaved step by step: in the end every model is what a full recompute gives."""

import asyncio
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.redis.connection import Client
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.user_models import RedisUserModelStore
from core.events import InteractionEvent
from core.identity.node import Claim
from core.queues import Debounce
from core.signals import comparable
from core.updater import UserModelUpdater
from ingest_worker.linking import Linker
from tests.build import DAY_MS, NOW_MS, WINDOW_MS, read, worker_metrics
from tests.laws.conftest import emptied
from tests.laws.debounce_model import mark_due
from tests.laws.stepped_worker import (
    BASIS,
    CONTENTS,
    IDENTITY,
    SteppedWorker,
    Stores,
    person_events,
)

TIMES = Debounce()
TTL_S = 7 * 86_400
MAX_EVENTS = 4
USERS = ("u1", "u2", "phone")
IDS = (*USERS, "u3")
"""Of the last one nothing is known but by links."""
LINKS = (("phone", "u1"), ("phone", "u1"), ("phone", "u3"), ("u1", "u2"))
_FAST_MS = 300
"""How far the clock of one of the workers is ahead: what it builds seems to be built later."""
ITEMS = sorted(content.id for content in CONTENTS.contents)
CALLS = st.sampled_from(("begin", "look", "fetch_events", "save_signals", "drop", "complete", ""))
"""Before which a refresher stands still; empty: at the end of its round."""
BOTH = st.tuples(CALLS.filter(bool), CALLS)
PASSING_MS = st.sampled_from((250, TIMES.lease_ms))
EXAMPLES = settings(max_examples=100, stateful_step_count=50, deadline=None)


def in_memory() -> Stores:
    graph = InMemoryIdentityGraph(IDENTITY, clock_ms=lambda: NOW_MS)
    return Stores(
        graph=graph,
        buffer=InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=MAX_EVENTS),
        models=InMemoryUserModelStore(
            ttl_s=TTL_S, clock_s=lambda: 0.0, graph=graph, identity=IDENTITY
        ),
        queue=InMemoryDueQueue(TIMES),
    )


def in_redis(client: Client) -> Stores:
    return Stores(
        graph=RedisIdentityGraph(client, IDENTITY),
        buffer=RedisEventBuffer(
            client, window_ms=WINDOW_MS, max_events=MAX_EVENTS, model_ttl_s=TTL_S
        ),
        models=RedisUserModelStore(client, ttl_s=TTL_S, identity=IDENTITY),
        queue=RedisDueQueue(client, TIMES, shards=2),
    )


class RefreshMachine(RuleBasedStateMachine):
    """Events that come, and two refreshers that may stand still or die at any step."""

    def __init__(self, runner: asyncio.Runner, make: Callable[[], Stores]) -> None:
        super().__init__()
        self.runner, self.stores = runner, make()
        self.now_ms = NOW_MS
        self.workers = [
            SteppedWorker(self.stores, lambda: self.now_ms + _FAST_MS),
            SteppedWorker(self.stores, lambda: self.now_ms),
        ]
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

    @rule(again=st.booleans())
    def mark(self, *, again: bool) -> None:
        """By the worker that appended, or by one to which all of it is delivered again."""
        if again:
            self.runner.run(self.stores.buffer.append(self.unmarked, now_ms=self.now_ms))
        users = sorted({event.user_id for event in self.unmarked})
        self.runner.run(mark_due(self.stores.queue, users, self.now_ms))
        self.unmarked = []

    @rule(link=st.sampled_from(LINKS))
    def link(self, link: tuple[str, str]) -> None:
        """An id is said to be another's; one of two others' is neither's any more."""
        linker = Linker(self.stores.graph, IDENTITY, worker_metrics())
        claim = Claim(of=link[0], person=link[1], ts_ms=self.now_ms, by="device")
        changed = self.runner.run(linker.link([claim]))
        self.runner.run(mark_due(self.stores.queue, sorted(changed), self.now_ms))

    @rule(link=st.sampled_from(LINKS), user=st.sampled_from(USERS), ms=PASSING_MS, calls=BOTH)
    def link_in_the_middle(
        self, link: tuple[str, str], user: str, ms: int, calls: tuple[str, str]
    ) -> None:
        """It is said while one refresher stands still, and the other overtakes that one."""
        self.event_comes(user, ITEMS[0])
        self.refresh(0, calls[0])
        self.link(link)
        self.time_passes(ms)
        self.refresh(1, calls[1])

    @rule(worker=st.integers(0, 1), call=CALLS)
    def refresh(self, worker: int, call: str) -> None:
        self.runner.run(self.workers[worker].run_until(call))

    @rule(user=st.sampled_from(USERS), item=st.sampled_from(ITEMS), ms=PASSING_MS, calls=BOTH)
    def event_in_the_middle(self, user: str, item: str, ms: int, calls: tuple[str, str]) -> None:
        """It comes while one refresher stands still, and the other overtakes that one."""
        self.event_comes(user, item)
        self.refresh(0, calls[0])
        self.event_comes(user, item)
        self.time_passes(ms)
        self.refresh(1, calls[1])

    @rule(worker=st.integers(0, 1))
    def die(self, worker: int) -> None:
        self.runner.run(self.workers[worker].die())

    @rule(ms=PASSING_MS)
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule()
    def settle(self) -> None:
        """Everything is delivered and every lease ends: then all models are right."""
        self.mark(again=True)
        for _ in range(2):
            for worker in self.workers:
                self.runner.run(worker.run_until(""))
            self.time_passes(TIMES.lease_ms)
        for worker in self.workers:
            self.runner.run(worker.run_until(""))
        self.runner.run(self.check())

    def teardown(self) -> None:
        self.settle()
        super().teardown()

    def event_comes(self, user: str, item: str) -> None:
        self.append(user, item, 0)
        self.mark(again=False)

    async def check(self) -> None:
        source = person_events(self.stores.graph, self.stores.buffer)
        updater = UserModelUpdater(source, self.stores.models, CONTENTS, BASIS)
        windows = await source.fetch_events(IDS, since_ms=0)
        for user, window in zip(IDS, windows, strict=True):
            if window.ends_ms is not None and window.ends_ms < self.now_ms:
                continue  # a session that is over: its model goes when its turn comes
            model = await self.stores.models.get_signals(user)
            if model is None:
                assert not window.events, "a visitor without a model"
                continue
            [full] = await updater.rebuild(user, now_ms=model.built_at_ms)
            assert comparable(model) == comparable(full)


def test_models_in_memory_are_what_a_full_recompute_gives(runner: asyncio.Runner) -> None:
    class Machine(RefreshMachine):
        def __init__(self) -> None:
            super().__init__(runner, in_memory)

    run_state_machine_as_test(Machine, settings=EXAMPLES)


def test_models_in_redis_are_what_a_full_recompute_gives(
    runner: asyncio.Runner, valkey: Client
) -> None:
    class Machine(RefreshMachine):
        def __init__(self) -> None:
            runner.run(emptied(valkey))
            super().__init__(runner, lambda: in_redis(valkey))

    run_state_machine_as_test(Machine, settings=EXAMPLES)


def test_a_refresh_overtaken_through_a_linked_id_does_not_come_last(
    runner: asyncio.Runner,
) -> None:
    """The one stands before its save; the other, with an event of the phone's, is done."""
    machine = RefreshMachine(runner, in_memory)
    machine.link(("phone", "u1"))
    machine.event_comes("u1", ITEMS[0])
    machine.settle()
    machine.event_comes("u1", ITEMS[1])
    machine.refresh(0, "save_signals")
    machine.event_comes("phone", ITEMS[2])
    machine.refresh(1, "")
    machine.refresh(0, "")
    runner.run(machine.check())


def test_a_refresh_that_does_not_know_of_a_link_does_not_come_last(
    runner: asyncio.Runner,
) -> None:
    """The one has looked at links but not at events; the other knows one more, two steps away."""
    machine = RefreshMachine(runner, in_memory)
    machine.link(("u1", "u2"))
    machine.event_comes("u2", ITEMS[0])
    machine.settle()
    machine.event_comes("u2", ITEMS[1])
    machine.refresh(0, "fetch_events")
    machine.link(("phone", "u1"))
    machine.event_comes("phone", ITEMS[2])
    machine.refresh(1, "")
    machine.refresh(0, "")
    runner.run(machine.check())
