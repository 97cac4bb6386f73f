"""After another vector space every model is rebuilt, once, gently, and without a gap."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import pytest

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.process import clock_ms
from adapters.snapshot.live import LiveContentStore
from core.config import ModelConfig
from core.errors import RetryableError
from core.modelling.build import ModelBasis
from core.queues import Debounce
from core.updater import UserModelUpdater
from ingest_worker.publishing.remodelling import Remodelling, RemodellingPace
from tests.build import DAY_MS, PLAN, WINDOW_MS, content, read

PACE = RemodellingPace(users_at_once=4, users_a_second=1000, patience_s=0.5, every_s=0.01)


class Remembered:
    """A `ModelledSpace`."""

    def __init__(self, space: str | None = None) -> None:
        self.space = space
        self.sets: list[str] = []

    async def get(self) -> str | None:
        return self.space

    async def set(self, space: str) -> None:
        self.space = space
        self.sets.append(space)


class Queue(InMemoryDueQueue):
    """A queue that notes who was marked, and may be full."""

    def __init__(self) -> None:
        super().__init__(Debounce(debounce_ms=1, max_wait_ms=1))
        self.marked: list[str] = []
        self.full = 0

    async def mark(self, accepted: Mapping[str, int | None], *, now_ms: int) -> None:
        if self.full:
            self.full -= 1
            raise RetryableError("full")
        self.marked += accepted
        await super().mark(accepted, now_ms=now_ms)


class Pipeline:
    """A worker with its stores: models of `users`, built with a catalogue of the space `old`."""

    def __init__(self, users: int = 10) -> None:
        self.users = [f"u{number}" for number in range(users)]
        self.buffer = InMemoryEventBuffer(window_ms=10 * WINDOW_MS, max_events=99)
        self.models = InMemoryUserModelStore(ttl_s=600, clock_s=lambda: 0.0)
        self.queue, self.modelled = Queue(), Remembered("old")
        self.contents = LiveContentStore()
        self.published: str | None = "old"
        self.swap("old")
        basis = ModelBasis.of(PLAN, ModelConfig())
        self.updater = UserModelUpdater(self.buffer, self.models, self.contents, basis)
        self.remodelling = Remodelling(
            buffer=self.buffer,
            models=self.models,
            queue=self.queue,
            modelled=self.modelled,
            window_ms=WINDOW_MS,
            clock_ms=clock_ms,
            pace=PACE,
        )

    def swap(self, space: str) -> None:
        """The workers have the catalogue of that space from now on."""
        self.contents.swap(InMemoryContentStore([content("a")], space))

    async def begin(self, days_ago: float = 0) -> None:
        at_ms = clock_ms() - round(days_ago * DAY_MS)
        events = [read("a", 30, user_id=user, ts_ms=at_ms - 1000) for user in self.users]
        await self.buffer.append(events, now_ms=at_ms)
        await self.updater.refresh(*self.users, now_ms=at_ms)

    async def work(self) -> None:
        """What the workers do."""
        while True:
            due = await self.queue.pop(limit=3, now_ms=clock_ms())
            await self.updater.refresh(*(one.user_id for one in due), now_ms=clock_ms())
            await self.queue.complete(due, again_ms=None)
            await asyncio.sleep(0.002)

    async def spaces(self) -> set[str]:
        found = [await self.models.get_signals(user) for user in self.users]
        return {model.vector_space for model in found if model is not None}

    async def rebuild(self) -> None:
        async with asyncio.timeout(20):
            working = asyncio.create_task(self.work())
            await self.remodelling.rebuild("new", lambda: self.published)
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


@pytest.fixture
async def pipeline() -> Pipeline:
    pipeline = Pipeline()
    await pipeline.begin()
    pipeline.published = "new"
    return pipeline


async def test_every_model_is_rebuilt(pipeline: Pipeline) -> None:
    pipeline.swap("new")
    await pipeline.rebuild()
    assert await pipeline.spaces() == {"new"}
    assert set(pipeline.queue.marked) == set(pipeline.users)
    assert pipeline.modelled.sets == ["new"]


async def test_also_where_the_workers_get_the_catalogue_later(pipeline: Pipeline) -> None:
    async def later() -> None:
        await asyncio.sleep(0.2)
        pipeline.swap("new")

    swapping = asyncio.create_task(later())
    await pipeline.rebuild()
    await swapping
    assert await pipeline.spaces() == {"new"}


async def test_a_model_that_is_of_the_space_already_is_let_be(pipeline: Pipeline) -> None:
    pipeline.swap("new")
    await pipeline.updater.refresh("u3", "u4", now_ms=clock_ms())
    await pipeline.rebuild()
    assert not {"u3", "u4"} & set(pipeline.queue.marked)


async def test_who_has_no_events_left_holds_up_nobody() -> None:
    pipeline = Pipeline()
    await pipeline.begin(days_ago=40)
    pipeline.published = "new"
    pipeline.swap("new")
    await pipeline.rebuild()
    assert pipeline.queue.marked == []
    assert pipeline.modelled.sets == ["new"]


async def test_workers_that_are_away_are_waited_for_only_so_long(pipeline: Pipeline) -> None:
    async with asyncio.timeout(20):
        await pipeline.remodelling.rebuild("new", lambda: pipeline.published)
    assert await pipeline.spaces() == {"old"}
    assert pipeline.modelled.sets == ["new"], "they follow with their next event"


async def test_only_a_few_users_wait_at_a_time(pipeline: Pipeline) -> None:
    rebuilding = asyncio.create_task(
        pipeline.remodelling.rebuild("new", lambda: pipeline.published)
    )
    await asyncio.sleep(0.2)
    assert (await pipeline.queue.depth()).pending == 4
    rebuilding.cancel()
    with suppress(asyncio.CancelledError):
        await rebuilding


async def test_it_ends_when_yet_another_space_is_published(pipeline: Pipeline) -> None:
    pipeline.published = "newest"
    pipeline.swap("newest")
    await pipeline.rebuild()
    assert pipeline.modelled.sets == []


async def test_it_follows_what_is_published_through_a_full_queue(pipeline: Pipeline) -> None:
    pipeline.published, pipeline.queue.full = None, 2
    tasks = [
        asyncio.create_task(pipeline.remodelling.run(lambda: pipeline.published)),
        asyncio.create_task(pipeline.work()),
    ]
    await asyncio.sleep(0.05)
    assert pipeline.queue.marked == [], "nothing is published yet"
    for space in ("new", "newer"):
        pipeline.published = space
        pipeline.swap(space)
        async with asyncio.timeout(20):
            while pipeline.modelled.space != space:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await pipeline.spaces() == {space}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert pipeline.modelled.sets == ["new", "newer"]
