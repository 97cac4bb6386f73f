"""What every `Tombstones` holds: ids as keyed hashes, each until its time."""

from collections.abc import Callable

import pytest

from adapters.memory.tombstones import InMemoryTombstones
from adapters.redis.connection import Client
from adapters.redis.keys import ERASED, TOMBSTONE_KEY, WITHDRAWN
from adapters.redis.tombstones import RedisTombstones
from core.erasing.tombstones import ALWAYS, Tombstones
from tests.build import DAY_MS, NOW_MS, WINDOW_MS

LATER_MS = NOW_MS + 60 * DAY_MS


def over_redis(client: Client, key: bytes = b"secret", now_ms: int = NOW_MS) -> RedisTombstones:
    return RedisTombstones(client, key=key, window_ms=WINDOW_MS, clock_ms=lambda: now_ms)


class TestTombstones:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def make(self, request: pytest.FixtureRequest) -> Callable[[int], Tombstones]:
        """The same tombstones at another time."""
        if request.param == "memory":
            clock = [NOW_MS]
            memory = InMemoryTombstones(key=b"k", window_ms=WINDOW_MS, clock_ms=lambda: clock[0])

            def at(now_ms: int) -> Tombstones:
                clock[0] = now_ms
                return memory

            return at
        client = request.getfixturevalue(f"{request.param}_client")
        return lambda now_ms: over_redis(client, now_ms=now_ms)

    async def test_of_the_erased_everything_is_refused_until_their_term_ends(
        self, make: Callable[[int], Tombstones], uid: str
    ) -> None:
        stones = make(NOW_MS)
        await stones.erase([uid], until_ms=LATER_MS)
        assert await stones.among(["other", uid], now_ms=NOW_MS) == {uid: ALWAYS}
        assert await stones.among([uid], now_ms=LATER_MS) == {}

    async def test_nobody_asked_for_has_one(self, make: Callable[[int], Tombstones]) -> None:
        assert await make(NOW_MS).among([], now_ms=NOW_MS) == {}

    async def test_a_term_is_prolonged_and_never_shortened(
        self, make: Callable[[int], Tombstones], uid: str
    ) -> None:
        stones = make(NOW_MS)
        await stones.erase([uid], until_ms=LATER_MS)
        await stones.erase([uid], until_ms=NOW_MS + 1)
        assert await stones.among([uid], now_ms=LATER_MS - 1) == {uid: ALWAYS}

    async def test_of_who_withdrew_events_up_to_the_latest_time_are_refused(
        self, make: Callable[[int], Tombstones], uid: str
    ) -> None:
        stones = make(NOW_MS)
        await stones.withdraw([uid], before_ms=NOW_MS - 5)
        await stones.withdraw([uid], before_ms=NOW_MS - 9)
        assert await stones.among([uid], now_ms=NOW_MS) == {uid: NOW_MS - 5}

    async def test_a_withdrawal_older_than_the_window_is_forgotten(
        self, make: Callable[[int], Tombstones], uid: str
    ) -> None:
        await make(NOW_MS).withdraw([uid], before_ms=NOW_MS)
        assert await make(NOW_MS).among([uid], now_ms=NOW_MS + WINDOW_MS) == {uid: NOW_MS}
        assert await make(NOW_MS).among([uid], now_ms=NOW_MS + WINDOW_MS + 1) == {}

    async def test_an_erased_id_that_also_withdrew_is_erased(
        self, make: Callable[[int], Tombstones], uid: str
    ) -> None:
        await make(NOW_MS).withdraw([uid], before_ms=NOW_MS)
        await make(NOW_MS).erase([uid], until_ms=LATER_MS)
        assert await make(NOW_MS).among([uid], now_ms=NOW_MS) == {uid: ALWAYS}


async def test_what_has_had_its_time_is_removed_by_the_next_one(client: Client, uid: str) -> None:
    await over_redis(client).erase([uid], until_ms=NOW_MS + 5)
    await over_redis(client).withdraw([uid], before_ms=NOW_MS)
    later = over_redis(client, now_ms=NOW_MS + WINDOW_MS + 5)
    await later.erase([f"{uid}-2"], until_ms=LATER_MS)
    await later.withdraw([f"{uid}-2"], before_ms=NOW_MS + WINDOW_MS)
    assert [await client.zcard(ERASED), await client.zcard(WITHDRAWN)] == [1, 1]


async def test_no_id_lies_in_redis_and_another_key_finds_nothing(client: Client, uid: str) -> None:
    await over_redis(client).erase([uid], until_ms=LATER_MS)
    [member] = await client.zrange(ERASED, 0, -1)
    assert uid.encode() not in member
    assert await over_redis(client, b"another").among([uid], now_ms=NOW_MS) == {}


async def test_without_a_key_one_is_made_once_and_shared(client: Client, uid: str) -> None:
    await over_redis(client, b"").erase([uid], until_ms=LATER_MS)
    assert await over_redis(client, b"").among([uid], now_ms=NOW_MS) == {uid: ALWAYS}
    assert len(await client.get(TOMBSTONE_KEY) or b"") == 32
