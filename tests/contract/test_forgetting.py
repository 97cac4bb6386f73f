"""What every store holds of a user who is forgotten: nothing, and all of everybody else."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.redis.connection import Client
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.due_queue import RedisDueQueue
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.keys import events_key, links_key, revision_key
from core.identity.graph import IdentityGraph
from core.identity.node import Claim, IdentityConfig, is_shared
from core.ports import EventBuffer
from core.queues import Debounce, DueQueue, Forgotten, StoredLetter, Waiting
from tests.build import NOW_MS, WINDOW_MS, accepted, event
from tests.contract.test_dead_letters import Opened, letter

TIMES = Debounce()
CONFIG = IdentityConfig()
KINDS = ["memory", "server", "cluster"]


class TestEvents:
    @pytest.fixture(params=KINDS)
    def buffer(self, request: pytest.FixtureRequest) -> EventBuffer:
        if request.param == "memory":
            return InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=9)
        client = request.getfixturevalue(f"{request.param}_client")
        return RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=9, model_ttl_s=60)

    async def test_all_events_of_the_users_go_and_nobody_elses(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        users = [f"{uid}-{number}" for number in range(3)]
        for user in users:
            some = [event("page", user_id=user, message_id=f"m{n}") for n in range(2)]
            await buffer.append(some, now_ms=NOW_MS)
        assert await buffer.forget([users[0], users[1], users[0]]) == 4
        windows = await buffer.fetch_events(users, since_ms=0)
        assert [len(one.events) for one in windows] == [0, 0, 2]
        assert [one.revision for one in windows[:2]] == [0, 0]
        assert await buffer.forget(users[:2]) == 0
        assert await buffer.forget([]) == 0

    async def test_events_up_to_a_moment_go_and_later_ones_stay(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        some = [event("page", user_id=uid, ts_ms=NOW_MS + n) for n in range(3)]
        await buffer.append(some, now_ms=NOW_MS)
        assert await buffer.forget([uid], until_ms=NOW_MS + 1) == 2
        [window] = await buffer.fetch_events([uid], since_ms=0)
        assert [one.ts_ms for one in window.events] == [NOW_MS + 2]
        assert window.revision == NOW_MS
        assert await buffer.forget([uid], until_ms=NOW_MS + 2) == 1


async def test_no_key_of_a_forgotten_user_is_left(client: Client, uid: str) -> None:
    buffer = RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=9, model_ttl_s=60)
    await buffer.append([event("page", user_id=uid)], now_ms=NOW_MS)
    await buffer.forget([uid])
    for key in (events_key(uid), revision_key(uid)):
        assert not await client.exists(key)


class TestDue:
    @pytest.fixture(params=["memory", "server-3", "cluster-3"])
    def queue(self, request: pytest.FixtureRequest) -> DueQueue:
        if request.param == "memory":
            return InMemoryDueQueue(TIMES)
        kind, _, shards = request.param.partition("-")
        client = request.getfixturevalue(f"{kind}_client")
        return RedisDueQueue(client, TIMES, shards=int(shards))

    async def test_waiting_users_are_forgotten_and_others_are_not(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1", "u2", "u3"), now_ms=NOW_MS)
        assert await queue.forget(["u1", "u3", "u9"]) == Forgotten(2, 0)
        assert [one.user_id for one in await queue.pop(limit=9, now_ms=NOW_MS)] == ["u2"]
        assert await queue.forget(["u1", "u3"]) == Forgotten(0, 0)
        assert await queue.forget([]) == Forgotten(0, 0)

    async def test_a_lease_stays_with_its_holder_and_its_end_is_looked_at_once_more(
        self, queue: DueQueue
    ) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        done = await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.mark(accepted("u1"), now_ms=NOW_MS + 1)
        await queue.pop(limit=1, now_ms=NOW_MS + 3_000)  # due behind the lease
        assert await queue.forget(["u1"]) == Forgotten(0, 1)
        assert await queue.pop(limit=1, now_ms=NOW_MS + 3_000) == []
        await queue.complete(done, again_ms=NOW_MS + 90_000)
        [again] = await queue.pop(limit=1, now_ms=NOW_MS + 3_000)
        await queue.complete([again], again_ms=None)
        assert await queue.forget(["u1"]) == Forgotten(0, 0)

    async def test_a_lease_that_ran_out_is_due_again(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        await queue.pop(limit=1, now_ms=NOW_MS)
        await queue.forget(["u1"])
        [again] = await queue.pop(limit=1, now_ms=NOW_MS + TIMES.lease_ms)
        assert again.user_id == "u1"

    async def test_it_tells_who_waits_and_who_is_being_refreshed(self, queue: DueQueue) -> None:
        await queue.mark(accepted("u1"), now_ms=NOW_MS)
        assert await queue.look(["u1", "u2"]) == {
            "u1": Waiting(due_ms=NOW_MS),
            "u2": Waiting(),
        }
        await queue.pop(limit=1, now_ms=NOW_MS)
        assert await queue.look(["u1"]) == {"u1": Waiting(is_leased=True)}


async def test_nothing_of_a_forgotten_user_is_left_in_the_queue(client: Client) -> None:
    queue = RedisDueQueue(client, TIMES, shards=1)
    await queue.mark(accepted("u1", "u2"), now_ms=NOW_MS)
    done = await queue.pop(limit=2, now_ms=NOW_MS)
    await queue.mark(accepted("u1"), now_ms=NOW_MS)
    await queue.complete(done, again_ms=None)
    await queue.forget(["u1", "u2"])
    found: list[Any] = await client.keys("*:{queue-0}")
    left = [key for key in found if not key.startswith(b"sequence")]
    assert left == []


class TestLetters:
    @pytest.fixture(params=KINDS)
    def opened(self, request: pytest.FixtureRequest) -> Opened:
        if request.param == "memory":
            memory = InMemoryDeadLetters(max_letters=999, max_bytes=10**6, clock_ms=lambda: NOW_MS)
            return Opened(memory, slack=0)
        client = request.getfixturevalue(f"{request.param}_client")
        return Opened(RedisDeadLetters(client, max_letters=999, max_bytes=10**6), slack=0)

    async def test_pages_hold_every_letter_once_oldest_first(self, opened: Opened) -> None:
        await opened.letters.add([letter(number) for number in range(250)])
        found = [one async for page in opened.letters.pages() for one in page]
        assert [one.letter for one in found] == [letter(number) for number in range(250)]

    async def test_there_are_no_pages_of_nothing(self, opened: Opened) -> None:
        assert [one async for page in opened.letters.pages() for one in page] == []

    async def test_a_letter_with_another_body_has_its_times_and_reason(
        self, opened: Opened
    ) -> None:
        await opened.letters.add([letter(1), letter(2)])
        before = await self.by_entry(opened)
        assert await opened.letters.replace(before["1-1"].letter_id, b"[1]")
        after = await self.by_entry(opened)
        assert after["1-2"] == before["1-2"]
        assert after["1-1"].given_up_ms == before["1-1"].given_up_ms
        assert after["1-1"].letter == msgspec.structs.replace(letter(1), body=b"[1]")

    async def test_a_letter_without_a_body_is_gone_and_does_not_come_back(
        self, opened: Opened
    ) -> None:
        await opened.letters.add([letter(1)])
        [stored] = await opened.letters.latest(limit=9)
        assert await opened.letters.replace(stored.letter_id, None)
        assert not await opened.letters.replace(stored.letter_id, b"[]")
        await opened.letters.add([letter(1)])
        assert await opened.letters.count() == 0

    async def by_entry(self, opened: Opened) -> Mapping[str, StoredLetter]:
        return {one.letter.entry_id: one for one in await opened.letters.latest(limit=9)}


class TestLinks:
    @pytest.fixture(params=KINDS)
    def graph(self, request: pytest.FixtureRequest) -> IdentityGraph:
        if request.param == "memory":
            return InMemoryIdentityGraph(CONFIG, clock_ms=lambda: NOW_MS)
        client = request.getfixturevalue(f"{request.param}_client")
        return RedisIdentityGraph(client, CONFIG)

    async def test_a_shared_device_stays_shared_without_the_name_of_who_is_forgotten(
        self, graph: IdentityGraph, uid: str
    ) -> None:
        kiosk, persons = f"{uid}-kiosk", [f"{uid}-{number}" for number in range(3)]
        for person in persons:
            await graph.add([Claim(of=kiosk, person=person, ts_ms=NOW_MS, by="device")])
        await graph.forget([persons[0]])
        node = (await graph.look([kiosk]))[kiosk]
        assert persons[0] not in node.devices
        assert set(persons[1:]) < set(node.devices)
        assert is_shared(node, CONFIG)


async def test_no_name_of_a_forgotten_person_is_left_at_a_device(client: Client, uid: str) -> None:
    graph = RedisIdentityGraph(client, CONFIG)
    await graph.add([Claim(of=f"d-{uid}", person=uid, ts_ms=NOW_MS, by="alias")])
    await graph.forget([uid])
    assert b'"' + uid.encode() + b'"' not in (await client.get(links_key(f"d-{uid}")) or b"")
