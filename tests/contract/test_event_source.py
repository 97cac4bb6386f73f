"""What every `EventSource` holds: the same windows, whatever the events lie in."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from adapters.memory.event_buffer import FakeEventSource, InMemoryEventBuffer
from adapters.redis.event_buffer import RedisEventBuffer
from core.events import InteractionEvent
from core.ports import EventBuffer, EventSource
from tests.build import NOW_MS, event

WINDOW_MS = 3_600_000
AWKWARD_IDS = ("Zoë", "日本", "😀", "a{b", "a}b", "a%7Bb", "{}", "100%", "a b", " ", "a:b")

OpenSource = Callable[[Sequence[InteractionEvent]], Awaitable[EventSource]]


def page(user_id: str, message_id: str, ts_ms: int = NOW_MS) -> InteractionEvent:
    return event("page", user_id=user_id, message_id=message_id, ts_ms=ts_ms)


class TestEventSource:
    @pytest.fixture(params=["fake", "memory", "server", "cluster"])
    def open_source(self, request: pytest.FixtureRequest) -> OpenSource:
        async def fake(events: Sequence[InteractionEvent]) -> EventSource:
            return FakeEventSource(events)

        async def filled(events: Sequence[InteractionEvent]) -> EventSource:
            await buffer.append(events, now_ms=NOW_MS)
            return buffer

        if request.param == "fake":
            return fake
        buffer: EventBuffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=100)
        if request.param in ("server", "cluster"):
            buffer = RedisEventBuffer(
                request.getfixturevalue(f"{request.param}_client"),
                window_ms=WINDOW_MS,
                max_events=100,
                model_ttl_s=600,
            )
        return filled

    async def test_an_event_comes_back_as_it_was_given(
        self, open_source: OpenSource, uid: str
    ) -> None:
        full = event(
            "view_ended",
            "item-ü",
            user_id=uid,
            name="Geschichte gelesen",
            session_id="s1",
            reason="abandon",
            dwell_seconds=12.25,
            request_id="r1",
            rating=4.5,
            strength=-0.5,
            impressions=("a", "b"),
            answers={"age": 30, "likes": ("music", 1.5)},
        )
        source = await open_source([full])
        [window] = await source.fetch_events([uid], since_ms=0)
        assert window.events == (full,)

    async def test_events_come_oldest_first(self, open_source: OpenSource, uid: str) -> None:
        source = await open_source([page(uid, f"m{ago}", NOW_MS - ago) for ago in (5, 1, 9, 0, 7)])
        [window] = await source.fetch_events([uid], since_ms=0)
        assert [one.message_id for one in window.events] == ["m9", "m7", "m5", "m1", "m0"]

    async def test_windows_come_in_the_order_asked(self, open_source: OpenSource, uid: str) -> None:
        first, second, stranger = (page(f"{uid}-{name}", "m") for name in ("a", "b", "c"))
        source = await open_source([first, second])
        asked = [second.user_id, stranger.user_id, first.user_id]
        windows = await source.fetch_events(asked, since_ms=0)
        assert [window.user_id for window in windows] == asked
        assert [window.events for window in windows] == [(second,), (), (first,)]

    async def test_a_window_begins_at_the_millisecond_asked(
        self, open_source: OpenSource, uid: str
    ) -> None:
        source = await open_source([page(uid, f"m{ago}", NOW_MS - ago) for ago in (3, 2, 1)])
        [window] = await source.fetch_events([uid], since_ms=NOW_MS - 2)
        assert [one.message_id for one in window.events] == ["m2", "m1"]

    async def test_nobody_asked_for_is_no_window(self, open_source: OpenSource) -> None:
        source = await open_source([])
        assert list(await source.fetch_events([], since_ms=0)) == []

    async def test_awkward_ids_stay_apart(self, open_source: OpenSource, uid: str) -> None:
        events = [page(f"{odd}{uid}{odd}", f"m {odd}") for odd in AWKWARD_IDS]
        source = await open_source(events)
        windows = await source.fetch_events([one.user_id for one in events], since_ms=0)
        assert [window.events for window in windows] == [(one,) for one in events]
