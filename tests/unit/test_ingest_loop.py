"""The batch handler and the refresher over the in-memory adapters."""

import asyncio
from collections.abc import Sequence
from typing import Any

from adapters.memory.event_buffer import InMemoryEventBuffer
from core.errors import RetryableError
from core.ports import EventWindow
from core.queues import Debounce, DueUser
from tests.build import WINDOW_MS
from tests.unit.ingest_loop import AGAIN_MS, Loop, page


class Poisoned(InMemoryEventBuffer):
    """A buffer in which one user's events cannot be read."""

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        if "poison" in user_ids:
            raise ValueError("not an event")
        return await super().fetch_events(user_ids, since_ms=since_ms)


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
