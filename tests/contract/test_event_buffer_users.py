"""What every `EventBuffer` holds of its list of users: everybody, whole, whatever their id."""

import pytest

from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.redis.connection import Client
from adapters.redis.event_buffer import RedisEventBuffer
from adapters.redis.user_models import RedisUserModelStore
from core.ports import EventBuffer
from core.signals import UserSignals
from tests.build import NOW_MS, event

WINDOW_MS = 3_600_000
AWKWARD = (
    "Zoë",
    "日本",
    "😀",
    "a{b",
    "a}b",
    "{a}",
    "{}",
    "a%7Bb",
    "%257D",
    "100%",
    "a b",
    "*",
    "a:b",
)


class TestUserIds:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def buffer(self, request: pytest.FixtureRequest) -> EventBuffer:
        if request.param == "memory":
            return InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=10)
        client = request.getfixturevalue(f"{request.param}_client")
        return RedisEventBuffer(client, window_ms=WINDOW_MS, max_events=10, model_ttl_s=600)

    async def listed(self, buffer: EventBuffer, uid: str) -> set[str]:
        """The users of this test."""
        return {user async for user in buffer.user_ids() if user.startswith(uid)}

    async def test_everybody_with_events_is_listed(self, buffer: EventBuffer, uid: str) -> None:
        users = {f"{uid}-{number}" for number in range(2_500)}  # more than one scan brings
        await buffer.append([event("page", user_id=user) for user in users], now_ms=NOW_MS)
        assert await self.listed(buffer, uid) == users

    async def test_the_newest_event_of_each_is_known_in_the_order_asked(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        events = [
            event("page", user_id=f"{uid}{user}", ts_ms=NOW_MS - ago, message_id=f"{user}-{ago}")
            for user, ago in (("a", 20), ("a", 10), ("b", 30))
        ]
        await buffer.append(events, now_ms=NOW_MS)
        asked = [f"{uid}b", f"{uid}stranger", f"{uid}a"]
        assert list(await buffer.latest_ms(asked)) == [NOW_MS - 30, None, NOW_MS - 10]

    async def test_awkward_ids_come_back_whole(self, buffer: EventBuffer, uid: str) -> None:
        users = {f"{uid}{name}" for name in AWKWARD}
        await buffer.append([event("page", user_id=user) for user in users], now_ms=NOW_MS)
        assert await self.listed(buffer, uid) == users

    async def test_nobody_without_events_is_listed(self, buffer: EventBuffer, uid: str) -> None:
        old = event("page", user_id=uid, ts_ms=NOW_MS - WINDOW_MS - 1)
        await buffer.append([old], now_ms=NOW_MS)
        await buffer.fetch_events([uid], since_ms=0)
        assert await self.listed(buffer, uid) == set()


async def test_a_model_alone_makes_nobody_a_user(server_client: Client, uid: str) -> None:
    models = RedisUserModelStore(server_client, ttl_s=600)
    await models.save_signals([UserSignals(user_id=uid, revision=1)])
    buffer = RedisEventBuffer(server_client, window_ms=WINDOW_MS, max_events=10, model_ttl_s=600)
    assert uid not in {user async for user in buffer.user_ids()}
