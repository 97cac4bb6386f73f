"""`Exporter`: everything that is kept of a person, as whoever asks for it can read it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from core.erasing.bodies import part
from core.erasing.eraser import Eraser
from core.erasing.places import Places
from core.events import InteractionEvent
from core.identity.node import Node
from core.queues import Waiting


class DeadEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that could not be used, and why. Units: Unix milliseconds."""

    reason: str
    received_ms: int
    event: Any


class PersonExport(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of the ids that are one person, by where it lies.

    `stream` are events that wait, or lie there until they are trimmed. `refused`
    says of which ids events are refused, and up to when they happened.

    Units: Unix milliseconds.
    """

    user_id: str
    ids: Sequence[str]
    links: Mapping[str, Node]
    events: Sequence[InteractionEvent]
    model: dict[str, Any] | None
    refreshes: Mapping[str, Waiting]
    stream: Sequence[Any]
    dead_letters: Sequence[DeadEvent]
    refused: Mapping[str, int]
    log: Sequence[dict[str, Any]]
    """What answers and events the log has of them, under the hashes that it knows them by."""


class Exporter:
    """Looks everywhere that an erasing removes from."""

    def __init__(self, places: Places, eraser: Eraser) -> None:
        """The eraser tells whose an id is."""
        self._places = places
        self._eraser = eraser

    async def export(self, user_id: str, *, now_ms: int) -> PersonExport:
        """Everything that is kept. Raises: RetryableError when a store is away."""
        places = self._places
        ids = await self._eraser.ids_of([user_id])
        links = await places.graph.look(ids)
        windows = await places.buffer.fetch_events(ids, since_ms=0)
        model = await places.models.get_signals(user_id)
        waiting = await places.queue.look(ids)
        return PersonExport(
            user_id=user_id,
            ids=ids,
            links={one: node for one, node in links.items() if node != Node()},
            events=[event for window in windows for event in window.events],
            model=None if model is None else model.as_json(),
            refreshes={one: it for one, it in waiting.items() if it != Waiting()},
            stream=await self._stream(ids),
            dead_letters=await self._dead_letters(ids),
            refused=await places.tombstones.among(ids, now_ms=now_ms),
            log=[] if places.log is None else await places.log.rows(ids),
        )

    async def _stream(self, ids: Sequence[str]) -> list[Any]:
        found = []
        async for page in self._places.batches.pages():
            for batch in page:
                found += [_readable(one) for one in part(batch.body, ids).theirs]
        return found

    async def _dead_letters(self, ids: Sequence[str]) -> list[DeadEvent]:
        found = []
        async for page in self._places.dead_letters.pages():
            for stored in page:
                letter = stored.letter
                found += [
                    DeadEvent(
                        reason=letter.reason,
                        received_ms=letter.received_ms,
                        event=_readable(one),
                    )
                    for one in part(letter.body, ids).theirs
                ]
        return found


def _readable(event: bytes) -> Any:
    """As JSON; what is none, as its text."""
    try:
        return msgspec.json.decode(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return event.decode("utf-8", "replace")
