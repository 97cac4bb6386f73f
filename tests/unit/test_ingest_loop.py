"""The batch handler, the refresher and the keeper over the in-memory adapters."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import ModelConfig
from core.errors import RetryableError
from core.modelling.build import ModelBasis
from core.ports import Debounce, DueUser, EventWindow, RawBatch, StaleEntry
from core.updater import UserModelUpdater
from ingest_worker.batches import BatchHandler
from ingest_worker.keeper import KeeperPace, StreamKeeper
from ingest_worker.refresher import Refresher
from tests.build import (
    DAY_MS,
    MAPPER,
    NOW_MS,
    PLAN,
    WINDOW_MS,
    raw_batch,
    themed_catalogue,
    worker_metrics,
)

AGAIN_MS = 3 * DAY_MS


class Poisoned(InMemoryEventBuffer):
    """A buffer in which one user's events cannot be read."""

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        if "poison" in user_ids:
            raise ValueError("not an event")
        return await super().fetch_events(user_ids, since_ms=since_ms)


class Loop:
    """The ingest side with a clock that the test moves."""

    def __init__(self, buffer: InMemoryEventBuffer | None = None) -> None:
        self.now_ms = NOW_MS
        self.metrics = worker_metrics()
        self.buffer = buffer or InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=100)
        self.queue = InMemoryDueQueue(Debounce())
        self.letters = dead_letters()
        self.models = InMemoryUserModelStore(ttl_s=7 * 86_400, clock_s=lambda: self.now_ms / 1000)
        basis = ModelBasis.of(PLAN, ModelConfig())
        self.refresher = Refresher(
            queue=self.queue,
            updater=UserModelUpdater(self.buffer, self.models, themed_catalogue(), basis),
            clock_ms=lambda: self.now_ms,
            users_a_round=20,
            poll_ms=1,
            again_after_ms=AGAIN_MS,
            metrics=self.metrics,
            beat=nothing,
        )
        self.handler = BatchHandler(
            mapper=MAPPER,
            buffer=self.buffer,
            queue=self.queue,
            dead_letters=self.letters,
            window_ms=WINDOW_MS,
            clock_ms=lambda: self.now_ms,
            marked=self.refresher.nudge,
            metrics=self.metrics,
        )

    async def handle(self, *events: dict[str, Any]) -> None:
        body = json.dumps(list(events)).encode()
        await self.handler.handle([raw_batch("1-0", body, self.now_ms)])


def dead_letters() -> InMemoryDeadLetters:
    return InMemoryDeadLetters(max_letters=10, max_bytes=10_000, clock_ms=lambda: NOW_MS)


def nothing() -> None:
    """Beats for a loop that nobody watches."""


def page(user_id: str, message_id: str = "m") -> dict[str, Any]:
    return {"type": "page", "userId": user_id, "messageId": message_id}


async def test_an_event_is_in_the_model_after_one_round() -> None:
    loop = Loop()
    await loop.handle(page("u1"), page("u2"))
    assert await loop.refresher.refresh_round()
    assert await loop.models.get_signals("u1")
    assert await loop.models.get_signals("u2")
    assert not await loop.refresher.refresh_round()


async def test_rejected_events_become_dead_letters_and_the_rest_goes_on() -> None:
    loop = Loop()
    await loop.handle(page("u1"), {"type": "track", "messageId": "bad"})
    [letter] = [one.letter for one in await loop.letters.latest(limit=9)]
    assert (letter.reason, letter.entry_id, letter.message_id) == ("no_user", "1-0", "bad")
    assert await loop.refresher.refresh_round()


async def test_a_redelivered_batch_marks_its_users_although_nothing_changed() -> None:
    """A worker may have died between the append and the mark."""
    loop = Loop()
    await loop.handle(page("u1"))
    await loop.refresher.refresh_round()
    loop.now_ms += 10_000
    await loop.handle(page("u1"))
    assert await loop.refresher.refresh_round()


async def test_a_model_is_aged_well_inside_its_life_while_the_buffer_holds_events() -> None:
    loop = Loop()
    await loop.handle(page("u1"))
    await loop.refresher.refresh_round()
    for _ in range(9):  # 27 days without an event
        loop.now_ms += AGAIN_MS
        assert await loop.models.get_signals("u1"), "the returning visitor is never cold"
        assert await loop.refresher.refresh_round()
        signals = await loop.models.get_signals("u1")
        assert signals is not None
        assert signals.built_at_ms == loop.now_ms
    loop.now_ms += 2 * AGAIN_MS
    assert await loop.refresher.refresh_round()
    loop.now_ms += 2 * AGAIN_MS
    assert not await loop.refresher.refresh_round(), "nothing is booked without events"


async def test_one_users_bug_stays_with_that_user() -> None:
    loop = Loop(Poisoned(window_ms=WINDOW_MS, max_events=100))
    await loop.handle(page("u1"), page("poison"), page("u2"))
    assert await loop.refresher.refresh_round()
    assert await loop.models.get_signals("u1")
    assert await loop.models.get_signals("u2")
    assert await loop.models.get_signals("poison") is None
    loop.now_ms += Debounce().lease_ms
    assert [user.user_id for user in await loop.queue.pop(limit=9, now_ms=loop.now_ms)] == [
        "poison"
    ]


async def test_a_refresher_outlives_a_store_that_is_away() -> None:
    loop = Loop()
    await loop.handle(page("u1"))
    stopping = asyncio.Event()
    answers = iter([RetryableError("away"), None])

    async def pop(**_: Any) -> Sequence[DueUser]:
        if (error := next(answers, None)) is not None:
            raise error
        stopping.set()
        return []

    loop.queue.pop = pop  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        await loop.refresher.run(stopping)


async def test_a_refresher_looks_at_once_when_somebody_was_marked_here() -> None:
    loop, stopping = Loop(), asyncio.Event()
    loop.refresher._poll_s = 60.0
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.refresher.run(stopping))
        await asyncio.sleep(0.01)  # it has looked, and rests for a minute
        await loop.handle(page("u1"))
        while await loop.models.get_signals("u1") is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stopping.set()
        loop.refresher.nudge()


class Pending:
    """Stale entries with their deliveries, until they are taken."""

    def __init__(self, *stale: tuple[RawBatch, int]) -> None:
        self.stale_entries = {batch.entry_id: (batch, count) for batch, count in stale}
        self.left_over: list[RawBatch] = []
        self.calls: list[Any] = []

    async def ensure_group(self) -> None:
        self.calls.append("group")

    async def stale(self, *, idle_ms: int, limit: int) -> Sequence[StaleEntry]:
        assert idle_ms == 5
        found = list(self.stale_entries.items())[:limit]
        return [StaleEntry(entry_id=one, deliveries=count) for one, (_, count) in found]

    async def take(self, entry_ids: Sequence[str], *, idle_ms: int) -> Sequence[RawBatch]:
        assert idle_ms == 5
        if entry_ids:
            self.calls.append(("take", *entry_ids))
        return [self.stale_entries.pop(one)[0] for one in entry_ids]

    async def forgive(self, entries: Sequence[StaleEntry]) -> None:
        self.calls.append(("forgive", *((one.entry_id, one.deliveries) for one in entries)))

    async def own(self, *, limit: int) -> Sequence[RawBatch]:
        taken, self.left_over = self.left_over[:limit], self.left_over[limit:]
        return taken

    async def remove_gone(self, *, idle_ms: int) -> int:
        assert idle_ms == 60
        return 0

    async def acknowledge(self, batches: Sequence[RawBatch]) -> None:
        self.calls.append([batch.entry_id for batch in batches])

    async def trim(self) -> None:
        self.calls.append("trim")


def keeper(
    pending: Pending, handle: Any, letters: InMemoryDeadLetters | None = None
) -> StreamKeeper:
    async def revive() -> None:
        pending.calls.append("revive")

    pace = KeeperPace(every_ms=1, stale_ms=5, gone_ms=60, max_deliveries=3)
    letters = letters or dead_letters()
    return StreamKeeper(
        pending,
        handle,
        revive=revive,
        dead_letters=letters,
        pace=pace,
        metrics=worker_metrics(),
        beat=nothing,
    )


async def test_a_keeper_applies_and_then_acknowledges_what_was_left() -> None:
    pending = Pending((raw_batch("7-0"), 1), (raw_batch("8-0"), 1))

    async def handle(batches: Sequence[RawBatch]) -> None:
        pending.calls.append(("handle", *(one.entry_id for one in batches)))

    await keeper(pending, handle).keep()
    assert pending.calls == [
        "group",
        "revive",
        ("take", "7-0", "8-0"),
        ("handle", "7-0", "8-0"),
        ["7-0", "8-0"],
        "trim",
    ]


async def test_entries_that_came_back_are_in_hand_one_at_a_time() -> None:
    """Else one that ends every worker takes its neighbours along to the cap."""
    pending = Pending((raw_batch("7-0"), 2), (raw_batch("8-0"), 1), (raw_batch("9-0"), 2))

    async def handle(batches: Sequence[RawBatch]) -> None:
        pending.calls.append(("handle", *(one.entry_id for one in batches)))

    await keeper(pending, handle).keep()
    assert [call[1:] for call in pending.calls if call[0] == "take"] == [
        ("8-0",),
        ("7-0",),
        ("9-0",),
    ]


@pytest.mark.parametrize("error", [RetryableError("away"), ValueError("a bug")])
async def test_a_keeper_acknowledges_nothing_that_failed_and_goes_on(error: Exception) -> None:
    pending, stopping = Pending((raw_batch("7-0"), 1)), asyncio.Event()
    outcomes = iter([error, None])

    async def handle(_: Sequence[RawBatch]) -> None:
        if (failure := next(outcomes)) is not None:
            pending.stale_entries["7-0"] = (raw_batch("7-0"), 2)
            raise failure
        stopping.set()

    async with asyncio.timeout(5):
        await keeper(pending, handle).run(stopping)
    assert pending.calls.count(["7-0"]) == 1


async def test_an_entry_that_nobody_finishes_becomes_a_dead_letter_and_is_done() -> None:
    pending, letters = Pending((raw_batch("7-0"), 3)), dead_letters()

    async def handle(_: Sequence[RawBatch]) -> None:
        raise AssertionError("an exhausted entry is not tried again")

    await keeper(pending, handle, letters).keep()
    [letter] = [one.letter for one in await letters.latest(limit=9)]
    assert (letter.reason, letter.entry_id, letter.body) == ("exhausted", "7-0", b"[]")
    assert ["7-0"] in pending.calls


async def test_one_entry_that_fails_stops_no_other() -> None:
    pending = Pending(
        (raw_batch("7-0"), 1), (raw_batch("8-0", b"poison"), 1), (raw_batch("9-0"), 1)
    )

    async def handle(batches: Sequence[RawBatch]) -> None:
        if any(one.body == b"poison" for one in batches):
            raise ValueError("a bug")

    await keeper(pending, handle).keep()
    assert [call for call in pending.calls if isinstance(call, list)] == [["7-0"], ["9-0"]]


async def test_a_stopping_worker_finishes_what_it_was_given() -> None:
    pending = Pending()
    pending.left_over = [raw_batch("7-0")]
    handled: list[RawBatch] = []

    async def handle(batches: Sequence[RawBatch]) -> None:
        handled.extend(batches)

    await keeper(pending, handle).finish()
    assert handled == [raw_batch("7-0")]
    assert pending.calls == [["7-0"]]
