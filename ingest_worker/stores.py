"""`Stores`: what the ingest side keeps, and where."""

from collections.abc import Callable

import msgspec

from core.erasing.person_log import PersonLog
from core.erasing.places import Places
from core.erasing.screened_letters import ScreenedLetters
from core.erasing.stored import StoredBatches
from core.erasing.sweep import Sweep
from core.erasing.tombstones import Tombstones
from core.identity.graph import IdentityGraph
from core.popularity.store import PopularityStore
from core.ports import EventBuffer, UserModelStore
from core.queues import DeadLetters, DueQueue


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """What the ingest side keeps and where, by whichever adapters."""

    graph: IdentityGraph
    buffer: EventBuffer
    queue: DueQueue
    dead_letters: DeadLetters
    models: UserModelStore
    popularity: PopularityStore
    tombstones: Tombstones
    batches: StoredBatches
    log: PersonLog | None = None

    @property
    def places(self) -> Places:
        """Everywhere that something of a person is kept."""
        return Places(
            tombstones=self.tombstones,
            buffer=self.buffer,
            models=self.models,
            graph=self.graph,
            queue=self.queue,
            batches=self.batches,
            dead_letters=self.dead_letters,
            log=self.log,
        )

    def screened_letters(self, clock_ms: Callable[[], int]) -> DeadLetters:
        """The dead letters as workers add to them."""
        return ScreenedLetters(self.dead_letters, Sweep(self.places), clock_ms)
