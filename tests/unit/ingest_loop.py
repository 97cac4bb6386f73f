"""The batch handler, the refresher and a keeper over the in-memory adapters, for tests."""

import json
from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.stream import InMemoryRawBatchStream
from adapters.memory.tombstones import InMemoryTombstones
from adapters.memory.user_models import InMemoryUserModelStore
from core.config import ModelConfig
from core.erasing.places import Places
from core.erasing.screened_letters import ScreenedLetters
from core.erasing.sweep import Sweep
from core.identity.node import IdentityConfig
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.modelling.build import ModelBasis
from core.queues import Debounce, RawBatch, StaleEntry
from core.updater import UserModelUpdater
from ingest_worker.batches import BatchHandler, normalizer
from ingest_worker.keeper import KeeperPace, PendingBatches, StreamKeeper
from ingest_worker.linking import Linker
from ingest_worker.metrics import StreamGauges, WorkerMetrics
from ingest_worker.refresher import Refresher
from ingest_worker.screening import Screen
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
from tests.places import eraser_of

AGAIN_MS = 3 * DAY_MS


class Loop:
    """The ingest side with a clock that the test moves."""

    def __init__(self, buffer: InMemoryEventBuffer | None = None) -> None:
        self.now_ms = NOW_MS
        self.registry = CollectorRegistry()
        self.metrics = WorkerMetrics(self.registry, StreamGauges(self.registry))
        self.buffer = buffer or InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=100)
        self.queue = InMemoryDueQueue(Debounce())
        self.letters = dead_letters()
        identity = IdentityConfig()
        self.graph = InMemoryIdentityGraph(identity, clock_ms=lambda: self.now_ms)
        self.models = InMemoryUserModelStore(
            ttl_s=7 * 86_400, clock_s=lambda: self.now_ms / 1000, graph=self.graph
        )
        self.events = PersonEvents(
            self.buffer, People(self.graph, identity), identity, max_events=100
        )
        self.tombstones = InMemoryTombstones(
            key=b"k", window_ms=WINDOW_MS, clock_ms=lambda: self.now_ms
        )
        self.stream = InMemoryRawBatchStream(max_entries=100, clock_ms=lambda: self.now_ms)
        self.places = Places(
            tombstones=self.tombstones,
            buffer=self.buffer,
            models=self.models,
            graph=self.graph,
            queue=self.queue,
            batches=self.stream,
            dead_letters=self.letters,
        )
        self.eraser = eraser_of(self.places)
        basis = ModelBasis.of(PLAN, ModelConfig())
        self.refresher = Refresher(
            queue=self.queue,
            updater=UserModelUpdater(self.events, self.models, themed_catalogue(), basis),
            sweep=Sweep(self.places),
            clock_ms=lambda: self.now_ms,
            users_a_round=20,
            poll_ms=1,
            again_after_ms=AGAIN_MS,
            metrics=self.metrics,
            beat=nothing,
        )
        self.handler = BatchHandler(
            normalize=normalizer(MAPPER, window_ms=WINDOW_MS),
            screen=Screen(self.places, self.eraser, self.metrics),
            linker=Linker(self.graph, identity, self.metrics),
            buffer=self.buffer,
            queue=self.queue,
            dead_letters=ScreenedLetters(self.letters, Sweep(self.places), lambda: self.now_ms),
            clock_ms=lambda: self.now_ms,
            marked=self.refresher.nudge,
            metrics=self.metrics,
        )

    async def handle(self, *events: dict[str, Any]) -> None:
        body = json.dumps(list(events)).encode()
        await self.handler.handle([raw_batch("1-0", body, self.now_ms)])

    def value(self, name: str, **labels: str) -> float:
        """What a metric shows."""
        found = self.registry.get_sample_value(f"ai_engine_{name}", labels)
        assert found is not None, f"there is no {name} of {labels}"
        return found


def dead_letters() -> InMemoryDeadLetters:
    return InMemoryDeadLetters(max_letters=10, max_bytes=10_000, clock_ms=lambda: NOW_MS)


def nothing() -> None:
    """Beats for a loop that nobody watches."""


def page(user_id: str, message_id: str = "m") -> dict[str, Any]:
    return {"type": "page", "userId": user_id, "messageId": message_id}


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

    async def own(self, *, limit: int, after: str = "0") -> Sequence[RawBatch]:
        return [one for one in self.left_over if one.entry_id > after][:limit]

    async def remove_gone(self, *, idle_ms: int) -> int:
        assert idle_ms == 60
        return 0

    async def acknowledge(self, batches: Sequence[RawBatch]) -> None:
        self.calls.append([batch.entry_id for batch in batches])

    async def trim(self) -> None:
        self.calls.append("trim")


def keeper(
    pending: PendingBatches,
    handle: Any,
    letters: InMemoryDeadLetters | None = None,
    metrics: WorkerMetrics | None = None,
) -> StreamKeeper:
    """With a cap of three deliveries; its revivals are calls of `pending` where that keeps any."""

    async def revive() -> None:
        if isinstance(pending, Pending):
            pending.calls.append("revive")

    pace = KeeperPace(every_ms=1, stale_ms=5, gone_ms=60, max_deliveries=3)
    letters = letters or dead_letters()
    return StreamKeeper(
        pending,
        handle,
        revive=revive,
        dead_letters=letters,
        pace=pace,
        metrics=metrics or worker_metrics(),
        beat=nothing,
    )
