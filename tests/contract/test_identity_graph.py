"""What every `IdentityGraph` holds: claims come to the same in any order, twice, and bounded."""

from collections.abc import Sequence
from itertools import permutations
from typing import Literal

import pytest
from redis.asyncio import Redis

from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.keys import claimed_by_key, links_key
from core.identity.graph import IdentityGraph
from core.identity.node import NOBODY, SHARED, Claim, IdentityConfig, is_shared, owner_of
from tests.build import NOW_MS

CONFIG = IdentityConfig(max_persons=2, max_ids=3, link_days=1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def claim(of: str, person: str, ago: int = 0, by: Literal["device", "alias"] = "device") -> Claim:
    return Claim(of=of, person=person, ts_ms=NOW_MS - ago, by=by)


class TestIdentityGraph:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def graph(self, request: pytest.FixtureRequest) -> IdentityGraph:
        if request.param == "memory":
            return InMemoryIdentityGraph(CONFIG, clock_ms=lambda: NOW_MS)
        return RedisIdentityGraph(request.getfixturevalue(f"{request.param}_client"), CONFIG)

    @pytest.fixture
    def ids(self, uid: str) -> Sequence[str]:
        """Ids as apps have them: text, numbers, braces, quotes."""
        return [f'{part}{uid}"\\{{ü}}' for part in ("7", "ada", "phone")]

    async def test_of_a_stranger_nothing_is_known(self, graph: IdentityGraph, uid: str) -> None:
        assert await graph.look([uid]) == {uid: NOBODY}

    async def test_both_ends_of_a_claim_know_of_it(
        self, graph: IdentityGraph, ids: Sequence[str]
    ) -> None:
        number, ada, phone = ids
        told = await graph.add([claim(phone, ada, 5), claim(number, ada, 7, "alias")])
        assert told[phone].devices == {ada: NOW_MS - 5}
        assert told[number].aliases == {ada: NOW_MS - 7}
        found = await graph.look(ids)
        assert found[phone].devices == {ada: NOW_MS - 5}
        assert found[ada].claimed_by == (phone, number), "whoever was linked last comes first"

    async def test_who_claims_themselves_is_a_person(self, graph: IdentityGraph, uid: str) -> None:
        told = await graph.add([claim(uid, uid)])
        assert told[uid].is_person
        assert (await graph.look([uid]))[uid].is_person

    async def test_claims_come_to_the_same_in_any_order_and_twice(
        self, graph: IdentityGraph, uid: str
    ) -> None:
        found = []
        for turn, order in enumerate(permutations([("a", 3), ("b", 5), ("a", 9)])):
            phone = f"{uid}-{turn}"
            for person, ago in (*order, *order):
                await graph.add([claim(phone, person, ago)])
            found.append((await graph.look([phone]))[phone])
        assert {(tuple(sorted(one.devices.items()))) for one in found} == {
            (("a", NOW_MS - 9), ("b", NOW_MS - 5))
        }
        assert {owner_of(one, CONFIG) for one in found} == {"a"}

    async def test_past_the_bound_an_id_is_shared_however_many_come(
        self, graph: IdentityGraph, uid: str
    ) -> None:
        for number in range(50):
            await graph.add([claim(uid, f"{uid}-{number}", number)])
        node = (await graph.look([uid]))[uid]
        assert is_shared(node, CONFIG)
        assert owner_of(node, CONFIG) == SHARED
        assert len(node.devices) == CONFIG.max_persons + 1
        known = await graph.look([f"{uid}-{number}" for number in range(50)])
        assert {one for one, of in known.items() if of.claimed_by} == set(node.devices)

    async def test_of_those_who_were_said_to_be_a_person_the_latest_stay(
        self, graph: IdentityGraph, uid: str
    ) -> None:
        for ago in (2, 9, 1, 8, 3):
            await graph.add([claim(f"{uid}-{ago}", uid, ago)])
        found = (await graph.look([uid]))[uid]
        assert found.claimed_by == (f"{uid}-1", f"{uid}-2", f"{uid}-3")

    async def test_what_is_forgotten_is_gone_at_both_ends(
        self, graph: IdentityGraph, ids: Sequence[str]
    ) -> None:
        number, ada, phone = ids
        await graph.add([claim(phone, ada), claim(phone, number), claim(ada, ada)])
        assert await graph.forget([phone, ada]) == 2
        assert all(node == NOBODY for node in (await graph.look(ids)).values())
        assert await graph.forget([phone, ada]) == 0

    async def test_no_claims_are_no_trouble(self, graph: IdentityGraph) -> None:
        assert await graph.add([]) == {}
        assert await graph.look([]) == {}
        assert await graph.forget([]) == 0


async def test_in_memory_a_link_ends_with_its_time(uid: str) -> None:
    clock = Clock()
    graph = InMemoryIdentityGraph(CONFIG, clock_ms=clock)
    await graph.add([claim("phone", uid)])
    clock.now_ms += CONFIG.link_ttl_ms
    assert owner_of((await graph.look(["phone"]))["phone"], CONFIG) is None


async def test_in_redis_a_link_ends_with_its_time(client: Redis, uid: str) -> None:
    await RedisIdentityGraph(client, CONFIG).add([claim(f"phone-{uid}", uid)])
    for key in (links_key(f"phone-{uid}"), claimed_by_key(uid)):
        assert 0 < await client.pttl(key) <= CONFIG.link_ttl_ms
