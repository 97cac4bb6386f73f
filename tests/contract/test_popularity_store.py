"""What every `PopularityStore` holds: the latest counts come back, and end with their time."""

import asyncio
from collections.abc import Callable

import pytest

from adapters.memory.popularity import InMemoryPopularityStore
from adapters.redis.connection import Client, connect
from adapters.redis.popularity import RedisPopularityStore
from core.errors import RetryableError
from core.popularity.store import PopularityStore
from core.popularity.stored import FORMAT, encode_counts
from core.popularity.views import ViewCounter, ViewCounts
from tests.build import NOW_MS, WINDOW_MS, event

TTL_S = 600


def counts(*items: str, at_ms: int = NOW_MS) -> ViewCounts:
    """The views of a visitor."""
    counter = ViewCounter(now_ms=at_ms, window_ms=WINDOW_MS)
    counter.add([event("view_ended", item) for item in items], items)
    return counter.counts()


OpenStore = Callable[[], PopularityStore]


class TestPopularityStore:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def open_store(self, request: pytest.FixtureRequest, uid: str) -> OpenStore:
        """Another process's view of the same store, where there are processes."""
        if request.param == "memory":
            store = InMemoryPopularityStore(ttl_s=TTL_S, clock_s=lambda: 0.0)
            return lambda: store
        client: Client = request.getfixturevalue(f"{request.param}_client")
        return lambda: RedisPopularityStore(client, ttl_s=TTL_S, name=uid)

    async def test_there_is_nothing_before_the_first_count(self, open_store: OpenStore) -> None:
        assert await open_store().get() is None
        assert await open_store().get(counts("a")) is None

    @pytest.mark.parametrize("items", [(), ("a",), ("ü-😀", "a/b c", "x" * 9000)])
    async def test_counts_come_back_as_they_were_saved(
        self, open_store: OpenStore, items: tuple[str, ...]
    ) -> None:
        await open_store().save(counts(*items))
        found = await open_store().get()
        assert found is not None
        assert encode_counts(found) == encode_counts(counts(*items))

    async def test_whoever_has_them_already_is_sent_nothing(self, open_store: OpenStore) -> None:
        await open_store().save(counts("a"))
        found = await open_store().get()
        assert await open_store().get(found) is found

    async def test_the_last_that_was_saved_takes_over(self, open_store: OpenStore) -> None:
        """Also one of an earlier moment: a clock that was ahead must not hold up all others."""
        for at_ms, item in ((5, "a"), (9, "b"), (7, "c")):
            known = await open_store().get()
            await open_store().save(counts(item, at_ms=NOW_MS + at_ms))
            found = await open_store().get(known)
            assert found is not None
            assert (found.ids, found.counted_at_ms) == ((item,), NOW_MS + at_ms)

    async def test_readers_and_a_writer_at_once_see_whole_counts(
        self, open_store: OpenStore
    ) -> None:
        saved = {NOW_MS + number: (f"item-{number}",) for number in range(20)}

        async def write() -> None:
            for at_ms, (item,) in saved.items():
                await open_store().save(counts(item, at_ms=at_ms))

        async def read() -> None:
            known = None
            for _ in range(20):
                known = await open_store().get(known)
                assert known is None or known.ids == saved[known.counted_at_ms]

        await asyncio.gather(write(), read(), read())


class TestInMemoryPopularity:
    async def test_counts_end_with_their_time(self) -> None:
        now_s = [0.0]
        store = InMemoryPopularityStore(ttl_s=TTL_S, clock_s=lambda: now_s[0])
        await store.save(counts("a"))
        now_s[0] = TTL_S - 1
        assert await store.get() is not None
        now_s[0] = TTL_S
        assert await store.get() is None


class TestRedisPopularity:
    async def test_its_one_key_has_a_life_that_every_count_renews(
        self, client: Client, uid: str
    ) -> None:
        store = RedisPopularityStore(client, ttl_s=TTL_S, name=uid)
        for _ in range(2):
            await store.save(counts("a"))
            assert TTL_S * 1000 - 5_000 < await client.pttl(f"{uid}:{FORMAT}") <= TTL_S * 1000
            await client.pexpire(f"{uid}:{FORMAT}", 1_000)

    async def test_what_others_wrote_there_is_nothing_until_the_next_count(
        self, server_client: Client, uid: str
    ) -> None:
        store = RedisPopularityStore(server_client, ttl_s=TTL_S, name=uid)
        await server_client.hset(f"{uid}:{FORMAT}", mapping={"version": "1", "body": b"no counts"})
        assert await store.get() is None
        await store.save(counts("a"))
        assert await store.get() is not None
        await server_client.delete(f"{uid}:{FORMAT}")

    async def test_a_server_that_is_away_is_retryable(self) -> None:
        client = connect("redis://127.0.0.1:1", timeout_s=0.2)
        store = RedisPopularityStore(client, ttl_s=TTL_S)
        with pytest.raises(RetryableError):
            await store.get()
        with pytest.raises(RetryableError):
            await store.save(counts("a"))
        await client.aclose()
