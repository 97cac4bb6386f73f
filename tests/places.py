"""Everywhere that something of a person is kept, in memory unless a test gives it."""

from typing import Any

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.stream import InMemoryRawBatchStream
from adapters.memory.tombstones import InMemoryTombstones
from adapters.memory.user_models import InMemoryUserModelStore
from core.erasing.eraser import Eraser
from core.erasing.places import Places
from core.identity.node import IdentityConfig
from core.queues import Debounce
from tests.build import DAY_MS, NOW_MS, WINDOW_MS


def places(**given: Any) -> Places:
    """The given stores, and others that nobody else uses."""
    graph = given.get("graph") or InMemoryIdentityGraph(IdentityConfig(), clock_ms=now_ms)
    own: dict[str, Any] = {
        "tombstones": InMemoryTombstones(key=b"k", window_ms=WINDOW_MS, clock_ms=now_ms),
        "buffer": InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=100),
        "models": InMemoryUserModelStore(ttl_s=600, clock_s=lambda: 0.0, graph=graph),
        "graph": graph,
        "queue": InMemoryDueQueue(Debounce()),
        "batches": InMemoryRawBatchStream(max_entries=100, clock_ms=now_ms),
        "dead_letters": InMemoryDeadLetters(max_letters=100, max_bytes=10**6, clock_ms=now_ms),
    }
    return Places(**own | given)


def eraser_of(held: Places) -> Eraser:
    """An eraser that waits for nobody."""

    async def pause() -> None:
        """Nobody goes on meanwhile."""

    return Eraser(held, IdentityConfig(), term_ms=60 * DAY_MS, pause=pause)


def now_ms() -> int:
    """A clock that stands still."""
    return NOW_MS
