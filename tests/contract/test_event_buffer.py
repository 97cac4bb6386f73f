"""What every `EventBuffer` holds: the order and number of deliveries leave no trace."""

import asyncio
from itertools import permutations

import pytest

from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.redis.event_buffer import RedisEventBuffer
from core.events import InteractionEvent
from core.ports import EventBuffer, EventWindow
from tests.build import NOW_MS, event

WINDOW_MS = 3_600_000
MAX_EVENTS = 1200


def page(user_id: str, message_id: str, ts_ms: int = NOW_MS) -> InteractionEvent:
    return event("page", user_id=user_id, message_id=message_id, ts_ms=ts_ms)


async def window_of(buffer: EventBuffer, user_id: str) -> EventWindow:
    [window] = await buffer.fetch_events([user_id], since_ms=0)
    return window


def messages(window: EventWindow) -> list[str]:
    return [one.message_id for one in window.events]


def times(window: EventWindow) -> list[tuple[int, str]]:
    return [(one.ts_ms, one.message_id) for one in window.events]


class TestEventBuffer:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def buffer(self, request: pytest.FixtureRequest) -> EventBuffer:
        if request.param == "memory":
            return InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=MAX_EVENTS)
        return RedisEventBuffer(
            request.getfixturevalue(f"{request.param}_client"),
            window_ms=WINDOW_MS,
            max_events=MAX_EVENTS,
            model_ttl_s=600,
        )

    async def test_a_redelivered_event_changes_nothing(self, buffer: EventBuffer, uid: str) -> None:
        assert await buffer.append([page(uid, "m1")], now_ms=NOW_MS) == {uid}
        before = await window_of(buffer, uid)
        assert await buffer.append([page(uid, "m1")] * 2, now_ms=NOW_MS + 5) == frozenset()
        assert await window_of(buffer, uid) == before

    async def test_the_order_of_arrival_leaves_no_trace(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        arrivals = [("m1", 10), ("m2", 20), ("m3", 20), ("m1", 30)]  # the last one is a retry
        found = []
        for number, order in enumerate(permutations(arrivals)):
            user_id = f"{uid}-{number}"
            for message_id, offset in order:
                await buffer.append([page(user_id, message_id, NOW_MS + offset)], now_ms=NOW_MS)
            found.append(times(await window_of(buffer, user_id)))
        wanted = [(NOW_MS + 10, "m1"), (NOW_MS + 20, "m2"), (NOW_MS + 20, "m3")]
        assert found == [wanted] * len(found)

    async def test_a_retry_with_a_later_time_keeps_the_earlier_one(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        await buffer.append([page(uid, "m1", NOW_MS)], now_ms=NOW_MS)
        assert not await buffer.append([page(uid, "m1", NOW_MS + 9)], now_ms=NOW_MS)
        assert times(await window_of(buffer, uid)) == [(NOW_MS, "m1")]

    async def test_a_retry_with_an_earlier_time_moves_the_event(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        await buffer.append([page(uid, "m1", NOW_MS)], now_ms=NOW_MS)
        assert await buffer.append([page(uid, "m1", NOW_MS - 9)], now_ms=NOW_MS) == {uid}
        assert times(await window_of(buffer, uid)) == [(NOW_MS - 9, "m1")]

    async def test_only_the_changed_users_are_named(self, buffer: EventBuffer, uid: str) -> None:
        known, fresh = f"{uid}-known", f"{uid}-fresh"
        await buffer.append([page(known, "m1")], now_ms=NOW_MS)
        changed = await buffer.append([page(known, "m1"), page(fresh, "m1")], now_ms=NOW_MS)
        assert changed == {fresh}

    async def test_nothing_appended_changes_nobody(self, buffer: EventBuffer) -> None:
        assert await buffer.append([], now_ms=NOW_MS) == frozenset()
        assert await buffer.fetch_events([], since_ms=0) == []

    async def test_revisions_rise_within_one_millisecond(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        revisions = []
        for number in range(4):
            await buffer.append([page(uid, f"m{number}")], now_ms=NOW_MS)
            revisions.append((await window_of(buffer, uid)).revision)
        assert revisions == sorted(set(revisions))
        assert revisions[0] > 0

    async def test_every_refresh_begins_under_a_revision_of_its_own(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        await buffer.append([page(uid, "m1")], now_ms=NOW_MS)
        taken = [(await window_of(buffer, uid)).revision]
        for ago in (0, 0, 5_000):
            [begun] = await buffer.begin([uid, uid], now_ms=NOW_MS - ago)
            assert (begun.user_id, begun.asked) == (uid, {uid: begun.revision})
            taken.append(begun.revision)
        assert taken == sorted(set(taken)), "also by a clock that is slow"
        assert (await window_of(buffer, uid)).revision == taken[-1]
        await buffer.append([page(uid, "m2")], now_ms=NOW_MS)
        assert (await window_of(buffer, uid)).revision > taken[-1]

    async def test_a_refresh_of_a_stranger_begins_too(self, buffer: EventBuffer, uid: str) -> None:
        [begun] = await buffer.begin([uid], now_ms=NOW_MS)
        assert begun.revision == NOW_MS
        assert await buffer.begin([], now_ms=NOW_MS) == []

    async def test_the_revision_never_falls_when_a_clock_does(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        await buffer.append([page(uid, "m1")], now_ms=NOW_MS)
        before = await window_of(buffer, uid)
        await buffer.append([page(uid, "m2")], now_ms=NOW_MS - 60_000)
        assert (await window_of(buffer, uid)).revision > before.revision

    async def test_the_revision_follows_the_clock(self, buffer: EventBuffer, uid: str) -> None:
        await buffer.append([page(uid, "m1")], now_ms=NOW_MS)
        assert (await window_of(buffer, uid)).revision >= NOW_MS

    async def test_of_many_concurrent_deliveries_one_changes_the_buffer(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        answers = await asyncio.gather(
            *(buffer.append([page(uid, "m1")], now_ms=NOW_MS) for _ in range(20))
        )
        assert sorted(map(len, answers)) == [0] * 19 + [1]

    async def test_a_stranger_has_an_empty_window(self, buffer: EventBuffer, uid: str) -> None:
        assert await window_of(buffer, uid) == EventWindow(user_id=uid, revision=0, events=())

    async def test_an_append_drops_what_has_grown_too_old(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        await buffer.append([page(uid, "m1", NOW_MS), page(uid, "m2", NOW_MS + 1)], now_ms=NOW_MS)
        later_ms = NOW_MS + WINDOW_MS + 1
        await buffer.append([page(uid, "m3", later_ms)], now_ms=later_ms)
        assert messages(await window_of(buffer, uid)) == ["m2", "m3"]

    async def test_more_than_a_thousand_events_fit_one_append(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        events = [page(uid, f"m{number:04}", NOW_MS - number) for number in range(1150)]
        assert await buffer.append(events, now_ms=NOW_MS) == {uid}
        assert (await window_of(buffer, uid)).events == tuple(reversed(events))
        assert await buffer.append(events, now_ms=NOW_MS) == frozenset()

    async def test_past_the_bound_the_newest_events_stay(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        # More at once than one call of a Lua script takes.
        events = [page(uid, f"m{number:04}", NOW_MS - number) for number in range(4500)]
        await buffer.append(events[40:], now_ms=NOW_MS)
        await buffer.append(events[:40], now_ms=NOW_MS)
        newest = tuple(reversed(events[:MAX_EVENTS]))
        assert (await window_of(buffer, uid)).events == newest

    async def test_an_event_past_the_window_changes_nothing(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        await buffer.append([page(uid, "m1")], now_ms=NOW_MS)
        before = await window_of(buffer, uid)
        old = page(uid, "m0", NOW_MS - WINDOW_MS - 1)
        assert await buffer.append([old], now_ms=NOW_MS) == frozenset()
        assert await window_of(buffer, uid) == before

    async def test_an_event_past_the_bound_changes_nothing(
        self, buffer: EventBuffer, uid: str
    ) -> None:
        full = [page(uid, f"m{number:04}", NOW_MS - number) for number in range(MAX_EVENTS)]
        await buffer.append(full, now_ms=NOW_MS)
        before = await window_of(buffer, uid)
        old = page(uid, "m-old", NOW_MS - MAX_EVENTS)
        assert await buffer.append([old], now_ms=NOW_MS) == frozenset()
        assert await window_of(buffer, uid) == before
