"""What every `UserModelStore` holds: a model lives its time and never gives way to an older one."""

import asyncio
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from adapters.memory.user_models import InMemoryUserModelStore
from adapters.redis.keys import model_key
from adapters.redis.user_models import RedisUserModelStore
from core.ports import UserModelStore
from core.signals import Behavior, SignalsWindow, UserSignals
from core.vectors import pack

TTL_S = 600


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def full_model(user_id: str, revision: int = 7) -> UserSignals:
    return UserSignals(
        revision=revision,
        user_id=user_id,
        built_at_ms=1_764_000_000_000,
        positives={"item-ü": 0.75, "b": 0.1},
        negatives={"c": 1 / 3},
        unopened={"d": (2.0, -0.3)},
        viewed={"item-ü": 1_763_999_999_999},
        tag_affinity={"theme:Musik": 0.5},
        tag_aversion={"theme:Krieg": 0.25},
        taste_vector=pack([0.5, -0.5]),
        recency_vector=pack([1.0, 0.0]),
        behavior=Behavior(views=3, average_dwell_ratio=0.8),
        demographics={"age": "30"},
        window=SignalsWindow(events=3, first_ms=1, last_ms=2, digest="d"),
        config_version="c1",
        catalogue_version="v1",
    )


class TestUserModelStore:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def store(self, request: pytest.FixtureRequest) -> UserModelStore:
        if request.param == "memory":
            return InMemoryUserModelStore(ttl_s=TTL_S, clock_s=Clock())
        return RedisUserModelStore(request.getfixturevalue(f"{request.param}_client"), ttl_s=TTL_S)

    async def test_a_stranger_has_no_model(self, store: UserModelStore, uid: str) -> None:
        assert await store.get_signals(uid) is None

    async def test_a_model_comes_back_as_it_was_saved(
        self, store: UserModelStore, uid: str
    ) -> None:
        assert list(await store.save_signals([full_model(uid)])) == [True]
        assert await store.get_signals(uid) == full_model(uid)

    async def test_an_older_revision_is_refused(self, store: UserModelStore, uid: str) -> None:
        await store.save_signals([full_model(uid, revision=10)])
        # As numbers, not as text: 9 is older than 10.
        assert list(await store.save_signals([UserSignals(user_id=uid, revision=9)])) == [False]
        assert await store.get_signals(uid) == full_model(uid, revision=10)

    async def test_of_one_revision_what_was_built_earlier_is_refused(
        self, store: UserModelStore, uid: str
    ) -> None:
        """A worker that was paused may come with a model of other settings, an hour old."""
        later, earlier = (
            UserSignals(user_id=uid, revision=7, built_at_ms=at_ms) for at_ms in (2_000, 1_000)
        )
        assert await store.save_signals([later]) == [True]
        assert await store.save_signals([earlier]) == [False]
        assert await store.save_signals([later]) == [True]
        assert await store.get_signals(uid) == later

    @pytest.mark.parametrize("revision", [7, 8, 1_764_000_000_001])
    async def test_an_equal_or_newer_revision_is_stored(
        self, store: UserModelStore, uid: str, revision: int
    ) -> None:
        await store.save_signals([full_model(uid, revision=7)])
        newer = UserSignals(
            user_id=uid, revision=revision, built_at_ms=1_764_000_000_000, config_version="c2"
        )
        assert list(await store.save_signals([newer])) == [True]
        assert await store.get_signals(uid) == newer

    async def test_revisions_of_one_millisecond_are_told_apart(
        self, store: UserModelStore, uid: str
    ) -> None:
        now = 1_764_000_000_000
        await store.save_signals([full_model(uid, revision=now + 1)])
        assert list(await store.save_signals([full_model(uid, revision=now)])) == [False]

    async def test_many_are_saved_at_once_and_each_is_answered(
        self, store: UserModelStore, uid: str
    ) -> None:
        await store.save_signals([full_model(f"{uid}-1", revision=9)])
        models = [full_model(f"{uid}-{number}", revision=8) for number in range(50)]
        saved = await store.save_signals(models)
        assert list(saved) == [number != 1 for number in range(50)]
        assert await store.get_signals(f"{uid}-49") == models[49]

    async def test_nothing_to_save_is_no_answer(self, store: UserModelStore) -> None:
        assert list(await store.save_signals([])) == []

    async def test_of_concurrent_saves_the_newest_stays(
        self, store: UserModelStore, uid: str
    ) -> None:
        # Seven times each, modulo a prime: all of 1 to 30, well shuffled.
        models = [full_model(uid, number * 7 % 31) for number in range(1, 31)]
        await asyncio.gather(*(store.save_signals([model]) for model in models))
        assert await store.get_signals(uid) == full_model(uid, revision=30)

    @pytest.mark.parametrize("odd", ["Zoë", "日本", "😀", "a{b", "a}b", "a%7Bb", "100%", "a b"])
    async def test_awkward_ids_are_ids(self, store: UserModelStore, uid: str, odd: str) -> None:
        await store.save_signals([full_model(f"{uid}{odd}")])
        assert await store.get_signals(f"{uid}{odd}") == full_model(f"{uid}{odd}")
        assert await store.get_signals(uid) is None


class TestInMemoryUserModels:
    async def test_a_model_ends_with_its_time_and_a_save_renews_it(self) -> None:
        clock = Clock()
        store = InMemoryUserModelStore(ttl_s=TTL_S, clock_s=clock)
        await store.save_signals([full_model("u1")])
        clock.now_s += TTL_S - 1
        await store.save_signals([full_model("u1")])
        clock.now_s += TTL_S - 1
        assert await store.get_signals("u1") == full_model("u1")
        clock.now_s += 1
        assert await store.get_signals("u1") is None

    async def test_what_has_ended_refuses_nothing(self) -> None:
        clock = Clock()
        store = InMemoryUserModelStore(ttl_s=TTL_S, clock_s=clock)
        await store.save_signals([full_model("u1", revision=9)])
        clock.now_s += TTL_S
        assert list(await store.save_signals([full_model("u1", revision=1)])) == [True]


class TestRedisUserModels:
    async def test_a_model_ends_with_its_time_and_a_save_renews_it(
        self, client: Redis, uid: str
    ) -> None:
        await RedisUserModelStore(client, ttl_s=1).save_signals([full_model(uid)])
        assert 0 < await client.pttl(model_key(uid)) <= 1000
        await RedisUserModelStore(client, ttl_s=2).save_signals([full_model(uid)])
        assert 1000 < await client.pttl(model_key(uid)) <= 2000

    async def test_a_refused_model_does_not_renew_it(self, client: Redis, uid: str) -> None:
        await RedisUserModelStore(client, ttl_s=2).save_signals([full_model(uid, revision=2)])
        await RedisUserModelStore(client, ttl_s=9).save_signals([full_model(uid, revision=1)])
        assert await client.pttl(model_key(uid)) <= 2000

    async def test_the_text_is_json_that_begins_with_the_revision(
        self, client: Redis, uid: str
    ) -> None:
        # The script that compares revisions reads no further than that.
        await RedisUserModelStore(client, ttl_s=TTL_S).save_signals([full_model(uid, 42)])
        raw: Any = await client.get(model_key(uid))
        assert raw.startswith(b'{"revision":42,')
        assert msgspec.json.decode(raw)["user_id"] == uid
