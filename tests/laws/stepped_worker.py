"""A refresher that goes one call to a store further at a time, so that two can interleave."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from core.config import ModelConfig
from core.erasing.sweep import Sweep
from core.identity.graph import IdentityGraph
from core.identity.node import IdentityConfig, Node
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.modelling.build import ModelBasis
from core.ports import Begun, EventBuffer, EventWindow, UserModelStore
from core.queues import DueQueue, DueUser
from core.signals import UserSignals
from core.updater import UserModelUpdater
from ingest_worker.refresher import Refresher
from tests.build import DAY_MS, PLAN, themed_catalogue, worker_metrics
from tests.places import places

CONTENTS = themed_catalogue(per_theme=1)
IDENTITY = IdentityConfig(max_persons=1)
BASIS = ModelBasis.of(PLAN, ModelConfig())


class Stores(msgspec.Struct):
    """What the workers share."""

    graph: IdentityGraph
    buffer: EventBuffer
    models: UserModelStore
    queue: DueQueue


def person_events(graph: IdentityGraph, buffer: EventBuffer) -> PersonEvents:
    """The events by person."""
    return PersonEvents(buffer, People(graph, IDENTITY), IDENTITY, max_events=100)


class SteppedWorker:
    """The real refresher and updater, over stores in which every call waits for its turn."""

    def __init__(self, stores: Stores, clock_ms: Callable[[], int]) -> None:
        """Nothing has begun."""
        self._stores = stores
        self._turn = asyncio.Event()
        self._waits = asyncio.Event()
        self._call = ""
        self._round: asyncio.Task[bool] | None = None
        self._refresher = Refresher(
            queue=self,  # type: ignore[arg-type]  # a worker marks nobody
            updater=UserModelUpdater(
                person_events(self, self),  # type: ignore[arg-type]
                self,
                CONTENTS,
                BASIS,
            ),
            sweep=Sweep(places()),
            clock_ms=clock_ms,
            users_a_round=2,
            poll_ms=1,
            again_after_ms=100 * DAY_MS,
            metrics=worker_metrics(),
            beat=_nothing,
        )

    async def run_until(self, call: str) -> None:
        """Go on until it is about to make that call, or its round has ended."""
        while await self._step() not in (call, ""):
            pass

    async def die(self) -> None:
        """Whatever it was at is never finished."""
        if self._round is not None:
            self._round.cancel()
            with suppress(asyncio.CancelledError):
                await self._round
        self._round = None

    async def pop(self, *, limit: int, now_ms: int) -> Sequence[DueUser]:
        """As the queue does, in turn."""
        await self._wait("pop")
        return await self._stores.queue.pop(limit=limit, now_ms=now_ms)

    async def complete(self, done: Sequence[DueUser], *, again_ms: int | None) -> None:
        """As the queue does, in turn."""
        await self._wait("complete")
        await self._stores.queue.complete(done, again_ms=again_ms)

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:
        """As the buffer does, in turn."""
        await self._wait("begin")
        return await self._stores.buffer.begin(user_ids, now_ms=now_ms)

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """As the buffer does, in turn."""
        await self._wait("fetch_events")
        return await self._stores.buffer.fetch_events(user_ids, since_ms=since_ms)

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Node]:
        """As the graph does, in turn."""
        await self._wait("look")
        return await self._stores.graph.look(user_ids)

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """Never asked for: a worker writes models."""
        raise NotImplementedError(user_id)

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """As the store does, in turn."""
        await self._wait("save_signals")
        return await self._stores.models.save_signals(models)

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        """As the store does, in turn."""
        await self._wait("drop")
        return await self._stores.models.drop(revisions)

    async def _step(self) -> str:
        """Make the call that it waits with; the next one, empty where the round has ended."""
        self._waits.clear()
        if self._round is None:
            self._round = asyncio.create_task(self._refresher.refresh_round())
        else:
            self._turn.set()
        waits = asyncio.create_task(self._waits.wait())
        await asyncio.wait({self._round, waits}, return_when=asyncio.FIRST_COMPLETED)
        if not self._round.done():
            return self._call
        waits.cancel()
        self._round.result()
        self._round = None
        return ""

    async def _wait(self, call: str) -> None:
        self._call = call
        self._turn.clear()
        self._waits.set()
        await self._turn.wait()


def _nothing() -> None:
    """Nobody listens to this worker's heart."""
