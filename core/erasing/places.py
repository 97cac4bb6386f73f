"""`Places`: everywhere that something of a person is kept."""

import msgspec

from core.erasing.person_log import PersonLog
from core.erasing.stored import StoredBatches
from core.erasing.tombstones import Tombstones
from core.identity.graph import IdentityGraph
from core.ports import EventBuffer, UserModelStore
from core.queues import DeadLetters, DueQueue


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The stores, and the tombstones beside them."""

    tombstones: Tombstones
    buffer: EventBuffer
    models: UserModelStore
    graph: IdentityGraph
    queue: DueQueue
    batches: StoredBatches
    dead_letters: DeadLetters
    log: PersonLog | None = None
