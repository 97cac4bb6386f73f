"""What belongs to a user in Redis: its names keep to one slot, and all of it ends by itself."""

import pytest
from redis.asyncio import Redis

from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.keys import events_key, model_key, revision_key, shard_of
from adapters.redis.user_models import RedisUserModelStore
from core.signals import UserSignals
from tests.build import NOW_MS, event

WINDOW_MS = 3_600_000
MODEL_TTL_S = 600


class TestRedisUserKeys:
    @pytest.fixture
    def buffer(self, client: Redis) -> RedisEventBuffer:
        return RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=10, model_ttl_s=MODEL_TTL_S)

    @pytest.fixture
    def models(self, client: Redis) -> RedisUserModelStore:
        return RedisUserModelStore(client, ttl_s=MODEL_TTL_S)

    def test_the_names_are_the_documented_ones(self) -> None:
        assert events_key("u1") == "events:{u1}"
        assert revision_key("u1") == "revision:{u1}"
        assert model_key("u1") == "model:{u1}"

    @pytest.mark.parametrize(
        ("user_id", "key"),
        [
            ("a{b", "model:{a%7Bb}"),
            ("a%7Bb", "model:{a%257Bb}"),
            ("a}b", "model:{a%7Db}"),
            ("{}", "model:{%7B%7D}"),
            ("100%", "model:{100%25}"),
            ("Zoë b", "model:{Zoë b}"),
        ],
    )
    def test_braces_of_an_id_are_escaped(self, user_id: str, key: str) -> None:
        assert model_key(user_id) == key

    def test_a_user_stays_in_the_shard_they_are_in(self) -> None:
        # Another hash in a rolling deployment would leave users in queues that nobody reads.
        assert [shard_of(user, 3) for user in ("u1", "u2", "Zoë")] == [2, 0, 2]

    async def test_everything_of_a_user_lies_under_three_keys_and_expires(
        self, client: Redis, buffer: RedisEventBuffer, models: RedisUserModelStore, uid: str
    ) -> None:
        await buffer.append([event("page", user_id=uid)], now_ms=NOW_MS)
        await models.save_signals([UserSignals(user_id=uid, revision=1)])
        keys = {key.decode(): await client.pttl(key) async for key in client.scan_iter(f"*{uid}*")}
        assert set(keys) == {f"events:{{{uid}}}", f"revision:{{{uid}}}", f"model:{{{uid}}}"}
        assert 0 < keys[events_key(uid)] <= WINDOW_MS
        assert 0 < keys[model_key(uid)] <= MODEL_TTL_S * 1000

    async def test_the_revision_outlives_events_and_model(
        self, client: Redis, buffer: RedisEventBuffer, uid: str
    ) -> None:
        # A new life of the buffer must not begin below a model that is still stored.
        await buffer.append([event("page", user_id=uid)], now_ms=NOW_MS)
        assert await client.pttl(revision_key(uid)) > WINDOW_MS + MODEL_TTL_S * 1000

    async def test_a_redelivery_keeps_the_events_alive(
        self, client: Redis, buffer: RedisEventBuffer, uid: str
    ) -> None:
        await buffer.append([event("page", user_id=uid)], now_ms=NOW_MS)
        await client.pexpire(events_key(uid), 60_000)
        await buffer.append([event("page", user_id=uid)], now_ms=NOW_MS)
        assert await client.pttl(events_key(uid)) > 60_000

    async def test_an_escaped_id_is_not_the_id_that_looks_like_it(
        self, buffer: RedisEventBuffer, models: RedisUserModelStore, uid: str
    ) -> None:
        braced, escaped = f"{uid}a{{b", f"{uid}a%7Bb"
        await buffer.append([event("page", user_id=braced)], now_ms=NOW_MS)
        await models.save_signals([UserSignals(user_id=braced, revision=1)])
        [window] = await buffer.fetch_events([escaped], since_ms=0)
        assert window.events == ()
        assert await models.get_signals(escaped) is None
