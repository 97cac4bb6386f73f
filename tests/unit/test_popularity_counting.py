"""The counting of views: everybody once, gently, by one process, and through every outage."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.popularity import InMemoryPopularityStore
from core.errors import RetryableError
from core.ports import EventWindow
from ingest_worker.counting.popularity import CountingPace, PopularityCounting
from ingest_worker.counting.report import CountingCollector, CountingReport
from ingest_worker.counting.turns import CountingTurns, Turn
from ingest_worker.counting.walk import BufferWalk
from ingest_worker.publishing.report import PublisherCollector, PublisherReport
from tests.build import DAY_MS, NOW_MS, WINDOW_MS, content, event


class Clock:
    """A steady clock that stands unless something takes time."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Buffer(InMemoryEventBuffer):
    """A buffer that names users twice, takes its time and may be away."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(window_ms=10 * WINDOW_MS, max_events=99)
        self.clock = clock
        self.errors: list[Exception] = []
        self.asked: list[Sequence[str]] = []
        self.since_ms = 0
        self.read: Callable[[], None] = lambda: None

    async def user_ids(self) -> AsyncIterator[str]:
        users = [user async for user in super().user_ids()]
        for user in (*users[:2], *users, *users[::-1]):
            yield user

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        self.asked.append(user_ids)
        self.since_ms = since_ms
        self.clock.now_s += 0.004
        self.read()
        if self.errors:
            raise self.errors.pop()
        return await super().fetch_events(user_ids, since_ms=since_ms)


class Office:
    """A counting with all it needs: ten visitors who have viewed `a`, three of them `b` too."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.buffer = Buffer(self.clock)
        self.store = InMemoryPopularityStore(ttl_s=600, clock_s=lambda: 0.0)
        self.contents: InMemoryContentStore | None = InMemoryContentStore(
            [content("a"), content("b")]
        )
        self.report, self.turn = CountingReport(), Turn()
        self.turn.is_ours = True
        self.counting = PopularityCounting(
            walk=BufferWalk(self.buffer, users_at_once=4, clock_s=self.clock),
            store=self.store,
            contents=lambda: self.contents if self.turn.is_ours else None,
            window_ms=WINDOW_MS,
            clock_ms=lambda: NOW_MS,
            pace=CountingPace(every_s=0.01, look_every_s=0.01),
            report=self.report,
        )

    async def fill(self) -> None:
        events = [event("view_ended", "a", user_id=f"u{number}") for number in range(10)]
        events += [event("view_started", "b", user_id=f"u{number}") for number in range(3)]
        await self.buffer.append(events, now_ms=NOW_MS)

    async def views(self) -> dict[str, int]:
        found = await self.store.get()
        assert found is not None
        return dict(zip(found.ids, found.views.sum(axis=1).tolist(), strict=True))


@pytest.fixture
async def office() -> Office:
    made = Office()
    await made.fill()
    return made


async def test_everybody_is_counted_once_though_the_server_names_them_twice(
    office: Office,
) -> None:
    await office.counting.count()
    assert await office.views() == {"a": 10, "b": 3}
    asked = [user for users in office.buffer.asked for user in users]
    assert sorted(asked) == sorted(f"u{number}" for number in range(10))
    assert max(map(len, office.buffer.asked)) <= 4, "a few at a time"
    assert office.buffer.since_ms > NOW_MS - 30 * DAY_MS, "no more is read than is counted"


async def test_only_views_of_items_that_there_are_take_memory(office: Office) -> None:
    more = [event("view_ended", f"made-up-{number}") for number in range(50)]
    more += [event("interaction", "b"), event("search", "b"), event("view_ended", None)]
    await office.buffer.append(more, now_ms=NOW_MS)
    await office.counting.count()
    assert await office.views() == {"a": 10, "b": 3}
    assert (office.report.visitors, office.report.events, office.report.items) == (10, 13, 2)


async def test_a_tenth_of_the_time_is_worked(office: Office) -> None:
    loop = asyncio.get_running_loop()
    from_s = loop.time()
    await office.counting.count()
    worked_s = office.clock.now_s
    rested_s = loop.time() - from_s
    assert worked_s == pytest.approx(0.004 * len(office.buffer.asked))
    assert 9 * worked_s <= rested_s < 9 * worked_s + 5


async def test_who_is_not_to_count_does_not_and_who_may_no_longer_saves_nothing(
    office: Office,
) -> None:
    contents, office.contents = office.contents, None
    assert await office.counting.count() is None
    assert office.buffer.asked == []
    office.contents = contents

    def lose() -> None:
        office.contents = None

    office.buffer.read = lose
    assert await office.counting.count() is None
    assert len(office.buffer.asked) == 1, "it stops at once"
    assert await office.store.get() is None
    assert office.report == CountingReport()


@pytest.mark.parametrize("error", [RetryableError("away"), ZeroDivisionError("a bug")])
async def test_a_count_that_fails_is_reported_and_done_again(
    office: Office, error: Exception
) -> None:
    office.buffer.errors = [error]
    running = asyncio.create_task(office.counting.run())
    async with asyncio.timeout(20):
        while not office.report.counted_at_ms:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert office.report.failures == 1
    assert await office.views() == {"a": 10, "b": 3}
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_counts_again_and_again(office: Office) -> None:
    running = asyncio.create_task(office.counting.run())
    async with asyncio.timeout(20):
        while await office.store.get() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await office.buffer.append([event("view_ended", "b", user_id="u9")], now_ms=NOW_MS)
        while (await office.views())["b"] != 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_count_is_in_the_numbers_of_its_process_and_of_the_worker_above(
    office: Office,
) -> None:
    await office.counting.count()
    office.report.failures = 2
    own, above, shown = CollectorRegistry(), CollectorRegistry(), PublisherCollector()
    own.register(CountingCollector(office.report))
    above.register(shown)
    line = msgspec.json.encode(PublisherReport(counting=office.report))
    shown.report = msgspec.json.decode(line, type=PublisherReport)
    for registry in (own, above):
        values = [
            registry.get_sample_value(f"ai_engine_popularity_{name}")
            for name in ("counted_timestamp_seconds", "visitors", "events", "items")
        ]
        assert values == [NOW_MS / 1000, 10, 13, 2]
        assert (registry.get_sample_value("ai_engine_popularity_count_seconds") or 0) > 0.1
        assert registry.get_sample_value("ai_engine_popularity_failures_total") == 2


async def test_what_a_publisher_of_before_reports_is_understood() -> None:
    report = msgspec.json.decode(b'{"publications": 3}', type=PublisherReport)
    assert report.counting == CountingReport()


class OneLease:
    """A lease that somebody holds until they let go of it."""

    def __init__(self) -> None:
        self.holder = ""
        self.is_away = False

    async def hold(self, holder: str) -> bool:
        if self.is_away:
            raise RetryableError("Redis is away")
        self.holder = self.holder or holder
        return self.holder == holder

    async def release(self, holder: str) -> None:
        assert self.holder == holder
        self.holder = ""


async def test_of_several_workers_one_counts_and_another_takes_over(office: Office) -> None:
    lease, offices = OneLease(), [office, Office()]
    await offices[1].fill()
    stops, running = [], []
    for number, one in enumerate(offices):
        one.turn.is_ours, stop = False, asyncio.Event()
        turns = CountingTurns(
            one.counting, lease, one.turn, holder=f"w{number}", renew_every_s=0.01
        )
        stops.append(stop)
        running.append(asyncio.create_task(turns.run(stop)))
        await asyncio.sleep(0)

    async def counted(one: Office) -> None:
        async with asyncio.timeout(20):
            while not one.report.counted_at_ms:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    await counted(offices[0])
    lease.is_away = True
    await asyncio.sleep(0.05)
    lease.is_away = False
    assert offices[1].buffer.asked == []
    stops[0].set()
    await running[0]
    await counted(offices[1])
    stops[1].set()
    await running[1]
    assert lease.holder == "", "the next one need not wait"
