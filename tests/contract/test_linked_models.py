"""What every `UserModelStore` holds of linked ids: they read the person's one model."""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.redis.identity_graph import RedisIdentityGraph
from adapters.redis.user_models import RedisUserModelStore
from core.identity.graph import IdentityGraph
from core.identity.node import Claim, IdentityConfig
from core.identity.people import People
from core.identity.tracing import MAX_STEPS
from core.ports import UserModelStore
from core.signals import UserSignals
from tests.build import NOW_MS

CONFIG = IdentityConfig(max_persons=2)


class Linked(NamedTuple):
    graph: IdentityGraph
    models: UserModelStore

    async def link(self, *links: tuple[str, str]) -> None:
        """Each says of an id that it is another, each a moment later than the one before."""
        await self.graph.add(
            [
                Claim(of=of, person=person, ts_ms=NOW_MS + number, by="alias")
                for number, (of, person) in enumerate(links)
            ]
        )

    async def save(self, *user_ids: str) -> None:
        await self.models.save_signals([UserSignals(user_id=one, revision=1) for one in user_ids])

    async def whose(self, *user_ids: str) -> list[str | None]:
        """Whose model each id reads."""
        found = [await self.models.get_signals(one) for one in user_ids]
        return [None if one is None else one.user_id for one in found]


class TestLinkedModels:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def linked(self, request: pytest.FixtureRequest) -> Linked:
        if request.param == "memory":
            graph = InMemoryIdentityGraph(CONFIG, clock_ms=lambda: NOW_MS)
            models = InMemoryUserModelStore(
                ttl_s=60, clock_s=lambda: 0.0, graph=graph, identity=CONFIG
            )
            return Linked(graph, models)
        client = request.getfixturevalue(f"{request.param}_client")
        return Linked(
            RedisIdentityGraph(client, CONFIG),
            RedisUserModelStore(client, ttl_s=60, identity=CONFIG),
        )

    @pytest.fixture
    def ids(self, uid: str) -> Sequence[str]:
        return [f"{part}-{uid}" for part in ("a", "b", "c", "d")]

    async def test_a_chain_of_ids_reads_the_model_at_its_end(
        self, linked: Linked, ids: Sequence[str]
    ) -> None:
        a, b, c, d = ids
        await linked.save(a, b, c, d)
        await linked.link((a, b), (b, c))
        assert await linked.whose(*ids) == [c, c, c, d]

    async def test_ids_that_claim_each_other_read_one_model(
        self, linked: Linked, ids: Sequence[str]
    ) -> None:
        a, b, c, d = ids
        await linked.save(*ids)
        await linked.link((b, c), (c, b), (d, c))
        assert await linked.whose(*ids) == [a, b, b, b]

    async def test_a_linked_id_without_its_persons_model_is_a_stranger(
        self, linked: Linked, ids: Sequence[str]
    ) -> None:
        a, b, *_ = ids
        await linked.save(a)
        await linked.link((a, b))
        assert await linked.whose(a, b) == [None, None]

    async def test_an_id_of_too_many_reads_its_own_again(
        self, linked: Linked, ids: Sequence[str]
    ) -> None:
        a, *others = ids
        await linked.save(*ids)
        await linked.link((a, others[0]))
        assert await linked.whose(a) == [others[0]]
        await linked.link(*((a, other) for other in others))
        assert await linked.whose(a) == [a]

    async def test_who_was_said_to_be_a_shared_device_stays_who_they_are(
        self, linked: Linked, ids: Sequence[str], uid: str
    ) -> None:
        a, b, c, d = ids
        await linked.save(a, b)
        await linked.link((a, b), (b, c), (b, d), (b, uid))
        assert await linked.whose(a, b) == [a, b]
        found = await People(linked.graph, CONFIG).find([a, b])
        assert [(found[one].user_id, found[one].ids) for one in (a, b)] == [(a, (a,)), (b, (b,))]

    async def test_a_chain_too_long_to_follow_is_read_by_the_id_itself(
        self, linked: Linked, uid: str
    ) -> None:
        chain = [f"{uid}-{number}" for number in range(MAX_STEPS + 3)]
        await linked.save(*chain)
        await linked.link(*itertools.pairwise(chain))
        whose = await linked.whose(*chain)
        assert whose == [chain[0], chain[1], *[chain[-1]] * (MAX_STEPS + 1)]
        found = await People(linked.graph, CONFIG).find(chain)
        assert [found[one].user_id for one in chain] == whose, "as the workers find them"
        assert set(found[chain[-1]].ids) == set(chain[2:])

    async def test_a_model_is_dropped_unless_a_newer_one_is_there(
        self, linked: Linked, ids: Sequence[str]
    ) -> None:
        models = linked.models
        await models.save_signals([UserSignals(user_id=one, revision=7) for one in ids])
        a, b, c, d = ids
        assert await models.drop({a: 6, b: 7, c: None, f"no-{d}": 9}) == 2
        assert await linked.whose(*ids) == [a, None, None, d]
        assert await models.drop({}) == 0

    async def test_what_was_dropped_is_not_brought_back_by_who_began_earlier(
        self, linked: Linked, uid: str
    ) -> None:
        models = linked.models
        assert await models.drop({uid: 7}) == 0
        assert await models.save_signals([UserSignals(user_id=uid, revision=6)]) == [False]
        assert await linked.whose(uid) == [None]
        assert await models.save_signals([UserSignals(user_id=uid, revision=8)]) == [True]
        assert await models.drop({uid: 9}) == 1
        assert await models.drop({uid: None}) == 0
        assert await models.save_signals([UserSignals(user_id=uid, revision=1)]) == [True]
