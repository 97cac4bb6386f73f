"""`Eraser`: everything that is kept of a person goes, and does not come back.

Tombstones first, for every id, then the stores one after the other, then once
more what came meanwhile (`core.erasing.sweep` says why that is enough). What is
cut off in between is finished by asking again.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from core.erasing.bodies import part
from core.erasing.places import Places
from core.erasing.receipt import Counts, Receipt
from core.erasing.sweep import Sweep
from core.identity.node import IdentityConfig
from core.identity.people import People
from core.queues import RawBatch

_MAX_IDS = 10_000
"""Of a person who is erased all ids are looked for, however many of them count for a model."""
_MAX_LOOKS = 10
_WAITS = 40
"""Times that it waits for workers to finish what they have in hand."""

Pause = Callable[[], Awaitable[None]]
"""A moment that workers may use to finish what they have in hand."""


class _InHand(NamedTuple):
    """A batch that a worker has read, what is to be left of it, and how many events are not."""

    batch: RawBatch
    rest: bytes | None
    events: int


class Eraser:
    """Finds a person and removes them."""

    def __init__(
        self, places: Places, identity: IdentityConfig, *, term_ms: int, pause: Pause
    ) -> None:
        """`term_ms`: how long what comes of an erased person is refused."""
        self._places = places
        self._people = People(places.graph, msgspec.structs.replace(identity, max_ids=_MAX_IDS))
        self._sweep = Sweep(places)
        self._term_ms = term_ms
        self._pause = pause

    async def erase(self, user_id: str, *, now_ms: int) -> Receipt:
        """Remove all that is kept of the person whom the id belongs to.

        Doing it again removes what is new, and prolongs the term.

        Raises: RetryableError when a store is away; asking again finishes the work.
        """
        return await self.erase_all([user_id], now_ms=now_ms)

    async def erase_all(self, user_ids: Sequence[str], *, now_ms: int) -> Receipt:
        """The same for several persons at once, under one receipt by the first one's id."""
        until_ms = now_ms + self._term_ms

        async def refuse(ids: Sequence[str]) -> None:
            await self._places.tombstones.erase(ids, until_ms=until_ms)

        ids = await self._refused_ids(user_ids, refuse)
        # Links last of all: whoever asks again finds the person's other ids by them.
        counts = await self._sweep.erase(ids, with_links=False)
        removed, held = await self._clean_batches(ids)
        letters = await self._sweep.clean_letters(ids)
        finished, in_hand = await self._finished(held, ids)
        counts += await self._sweep.erase(ids)
        letters += await self._sweep.clean_letters(ids)
        counts += Counts(stream_events=removed + finished, dead_letters=letters)
        return Receipt(
            user_id=user_ids[0],
            ids=ids,
            counts=counts + Counts(log_rows=await self._clean_log(ids)),
            in_hand=in_hand,
            erased_at_ms=now_ms,
            until_ms=until_ms,
        )

    async def withdraw(self, user_ids: Sequence[str], ts_ms: int, *, now_ms: int) -> Counts:
        """Remove what the persons did up to that moment, and refuse it from now on.

        Later events are accepted. A link that was said before is gone, too.

        Units: `ts_ms` Unix milliseconds.
        """

        async def refuse(ids: Sequence[str]) -> None:
            await self._places.tombstones.withdraw(ids, before_ms=ts_ms)

        known = await self._places.tombstones.among(user_ids, now_ms=now_ms)
        ids = await self._refused_ids(user_ids, refuse)
        links = await self._places.graph.forget(ids)
        models = await self._places.models.drop(dict.fromkeys(ids))
        counts = await self._sweep.purge(dict.fromkeys(ids, ts_ms), now_ms=now_ms)
        counts += Counts(links=links, models=models)
        # Whoever has said no says it with every event, and has nothing any more.
        if counts == Counts() and set(ids) <= known.keys():
            return counts
        letters = await self._sweep.clean_letters(ids, until_ms=ts_ms)
        rows = await self._clean_log(ids, until_ms=ts_ms)
        return counts + Counts(dead_letters=letters, log_rows=rows)

    async def ids_of(self, user_ids: Sequence[str]) -> tuple[str, ...]:
        """The ids and all that are the same persons'; of a shared device itself alone."""
        people = await self._people.find(user_ids)
        found = dict.fromkeys(user_ids)
        for person in people.values():
            found |= {} if person.is_shared else dict.fromkeys(person.ids)
        return tuple(found)

    async def _clean_log(self, ids: Collection[str], *, until_ms: int | None = None) -> int:
        log = self._places.log
        return 0 if log is None else await log.forget(ids, until_ms=until_ms)

    async def _refused_ids(
        self, user_ids: Sequence[str], refuse: Callable[[Sequence[str]], Awaitable[None]]
    ) -> tuple[str, ...]:
        """Set tombstones until no further id turns up: one may be linked while we look."""
        refused: tuple[str, ...] = ()
        for _ in range(_MAX_LOOKS):
            ids = await self.ids_of(user_ids)
            if set(ids) <= set(refused):
                break
            refused = tuple(dict.fromkeys((*refused, *ids)))
            await refuse(refused)
        return refused

    async def _clean_batches(self, ids: Collection[str]) -> tuple[int, list[_InHand]]:
        """Take the ids out of all stored batches but those that a worker has in hand."""
        removed, held = 0, []
        async for page in self._places.batches.pages():
            for batch in page:
                theirs, rest = part(batch.body, ids)
                if not theirs:
                    continue
                outcome = await self._places.batches.replace(batch, rest)
                removed += len(theirs) if outcome == "replaced" else 0
                if outcome == "in_hand":
                    held.append(_InHand(batch, rest, len(theirs)))
        return removed, held

    async def _finished(self, held: Sequence[_InHand], ids: Sequence[str]) -> tuple[int, int]:
        """Wait a moment for workers: how many events have gone by then, what is in hand still."""
        finished, left = 0, list(held)
        for _ in range(_WAITS):
            still = []
            for one in left:
                outcome = await self._places.batches.replace(one.batch, one.rest)
                if outcome == "in_hand":
                    still.append(one)
                else:
                    finished += one.events
            left = still
            leases = (await self._places.queue.forget(ids)).in_hand
            if not left and not leases:
                break
            await self._pause()
        return finished, sum(one.events for one in left) + leases
