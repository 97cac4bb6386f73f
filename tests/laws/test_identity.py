"""Whatever the order in which events and links arrive, every id reads the one right model."""

import asyncio
from collections.abc import Callable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.redis.connection import Client
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.user_models import RedisUserModelStore
from core.queues import Debounce
from core.signals import comparable
from tests.build import NOW_MS, WINDOW_MS
from tests.laws.conftest import emptied
from tests.laws.visitors import IDENTITY, IDS, PERSONS, Said, Stores, World, happenings, timed

TIMES = Debounce()
TTL_S = 7 * 86_400
MANY = settings(max_examples=200, deadline=None)
FEWER = settings(max_examples=60, deadline=None)


def in_memory() -> Stores:
    graph = InMemoryIdentityGraph(IDENTITY, clock_ms=lambda: NOW_MS)
    return Stores(
        graph=graph,
        buffer=InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=100),
        models=InMemoryUserModelStore(
            ttl_s=TTL_S, clock_s=lambda: 0.0, graph=graph, identity=IDENTITY
        ),
        queue=InMemoryDueQueue(TIMES),
    )


def in_redis(client: Client) -> Stores:
    return Stores(
        graph=RedisIdentityGraph(client, IDENTITY),
        buffer=RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=100, model_ttl_s=TTL_S),
        models=RedisUserModelStore(client, ttl_s=TTL_S, identity=IDENTITY),
        queue=RedisDueQueue(client, TIMES, shards=2),
    )


@st.composite
def histories(
    draw: st.DrawFn, calls: tuple[str, ...] = ("identify", "alias", "merge")
) -> list[Said]:
    said = draw(st.lists(happenings(calls), min_size=1, max_size=14))
    minutes = draw(st.lists(st.integers(1, 90), min_size=len(said), max_size=len(said)))
    return timed(said, minutes)


Outcome = dict[str, tuple[str, int, str] | None]
"""Of each id the person, and the events that the model was made from."""


async def outcome(world: World) -> Outcome:
    """What each id reads; every model must be what its person's events give."""
    found: Outcome = {}
    persons = await world.persons()
    for one in IDS:
        model = await world.stores.models.get_signals(one)
        window = (await world.events.fetch_events([one], since_ms=0))[0]
        if model is None:
            is_over = window.ends_ms is not None and window.ends_ms < world.now_ms
            assert is_over or not window.events, f"{one} has events and no model"
            found[one] = None
            continue
        assert model.user_id == persons[one]
        [anew] = await world.updater.rebuild(one, now_ms=model.built_at_ms)
        assert comparable(model) == comparable(anew), f"the model of {one} is not up to date"
        found[one] = (persons[one], model.window.events, model.window.digest)
    return found


async def in_order(said: list[Said]) -> Outcome:
    """Everything told once, by one worker, in the order of its time."""
    world = World(in_memory)
    await world.tell(*sorted(said, key=lambda one: (one["timestamp"], one["messageId"])))
    await world.settle()
    return await outcome(world)


async def in_disorder(said: list[Said], random: Random, make: Callable[[], Stores]) -> Outcome:
    """Shuffled, some of it twice, in small batches, several workers at once, refreshed between."""
    world = World(make)
    told = [*said, *random.sample(said, k=len(said) // 2)]
    random.shuffle(told)
    while told:
        batches = []
        for _ in range(random.randint(1, 3)):
            size = random.randint(1, 4)
            batches.append(told[:size])
            told = told[size:]
        await asyncio.gather(*(world.tell(*batch) for batch in batches if batch))
        if random.random() < 0.5:
            world.now_ms += random.choice((0, 100, 3_000))
            await world.refresher.refresh_round()
    await world.settle()
    return await outcome(world)


@MANY
@given(histories(), st.randoms(use_true_random=False))
def test_any_order_of_events_and_links_ends_in_the_same_models(
    said: list[Said], random: Random
) -> None:
    async def both() -> tuple[Outcome, Outcome]:
        return await in_order(said), await in_disorder(said, random, in_memory)

    expected, found = asyncio.run(both())
    assert found == expected


def test_any_order_ends_in_the_same_models_over_redis(
    runner: asyncio.Runner, valkey: Client
) -> None:
    @FEWER
    @given(histories(), st.randoms(use_true_random=False))
    def holds(said: list[Said], random: Random) -> None:
        runner.run(emptied(valkey))
        expected = runner.run(in_order(said))
        assert runner.run(in_disorder(said, random, lambda: in_redis(valkey))) == expected

    holds()


@MANY
@given(histories(("identify",)))
def test_no_number_of_logins_makes_one_of_two_persons(said: list[Said]) -> None:
    """Only what is said on purpose does: not a kiosk, nor a user id as another's anonymous id."""
    world = World(in_memory)

    async def persons() -> dict[str, str]:
        await world.tell(*said)
        return await world.persons()

    found = asyncio.run(persons())
    identified = {one["userId"] for one in said if one["type"] == "identify"}
    assert all(found[person] == person for person in PERSONS if person in identified)


@MANY
@given(histories())
def test_every_event_is_one_persons_and_each_once(said: list[Said]) -> None:
    world = World(in_memory)

    async def owners() -> list[str]:
        await world.tell(*said)
        people = {one.user_id: one for one in (await world.people.find(IDS)).values()}
        windows = await world.events.fetch_events(list(people), since_ms=0)
        shared = {root for root, person in people.items() if person.is_shared}
        assert all(len(people[root].ids) == 1 for root in shared), "a kiosk is nobody's"
        return [
            event.message_id
            for window in windows
            if window.user_id not in shared
            for event in window.events
        ]

    found = asyncio.run(owners())
    assert len(found) == len(set(found))
