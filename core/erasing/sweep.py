"""`Sweep`: whatever was written of an erased person while they were erased goes again.

Why nothing stays, however a worker and an erasing interleave. An erasing sets
its tombstones first and deletes after that. A worker looks for tombstones
before it writes, and once more after that, and deletes what it finds refused.

- It wrote before the erasing deleted: the erasing deleted it.
- It wrote after that: so the tombstone was there when it looked for the second
  time, and it deletes what it wrote.
- It ended between its write and its second look: then its entry is unfinished,
  or its lease runs, for an erasing leaves alone what is in somebody's hand.
  Whoever takes over meets the tombstone at the first look, and deletes what
  lies under the ids that it met: somebody may have written it before.

Each deletes only what a tombstone refuses, so it may be done twice, and late.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from core.erasing.bodies import part
from core.erasing.places import Places
from core.erasing.receipt import Counts
from core.erasing.tombstones import ALWAYS
from core.events import InteractionEvent
from core.identity.node import Claim

Refused = Mapping[str, int]
"""Ids with a tombstone: up to when what they did is refused. Units: Unix milliseconds."""


def is_refused(event: InteractionEvent, refused: Refused) -> bool:
    """Whether an event is of an erased person, or from before a consent was withdrawn."""
    return event.ts_ms <= refused.get(event.user_id, -1)


def is_claim_refused(claim: Claim, refused: Refused) -> bool:
    """Whether a claim names such an id, whichever way."""
    return claim.ts_ms <= max(refused.get(claim.of, -1), refused.get(claim.person, -1))


class Sweep:
    """Looks for tombstones, and removes what they refuse."""

    def __init__(self, places: Places) -> None:
        """Keep the stores."""
        self._places = places

    async def refused(self, user_ids: Iterable[str], *, now_ms: int) -> Refused:
        """Those of the ids that have a tombstone."""
        ids = list(dict.fromkeys(user_ids))
        return await self._places.tombstones.among(ids, now_ms=now_ms) if ids else {}

    async def purge(self, refused: Refused, *, now_ms: int) -> Counts:
        """Remove what is kept of the ids in buffers, models, links and the queue.

        Of who withdrew a consent, the events up to then; their model follows.
        """
        erased = [one for one, until_ms in refused.items() if until_ms >= ALWAYS]
        counts = await self.erase(erased)
        withdrawn = {one: ms for one, ms in refused.items() if ms < ALWAYS}
        for one, until_ms in withdrawn.items():
            events = await self._places.buffer.forget([one], until_ms=until_ms)
            counts += Counts(events=events)
        if withdrawn:  # whether or not there was an event: who removed it may have died before this
            await self._places.queue.mark(dict.fromkeys(withdrawn), now_ms=now_ms)
        return counts

    async def erase(self, user_ids: Sequence[str], *, with_links: bool = True) -> Counts:
        """Remove everything of the ids but bodies."""
        if not user_ids:
            return Counts()
        counts = await self.erase_leased(user_ids, with_links=with_links)
        marks = await self._places.queue.forget(user_ids)
        return counts + Counts(due_marks=marks.removed)

    async def erase_leased(self, user_ids: Sequence[str], *, with_links: bool = True) -> Counts:
        """The same for who holds their leases, and ends those after it."""
        places = self._places
        events = await places.buffer.forget(user_ids)
        models = await places.models.drop(dict.fromkeys(user_ids))
        links = await places.graph.forget(user_ids) if with_links else 0
        return Counts(events=events, models=models, links=links)

    async def clean_letters(self, user_ids: Collection[str], *, until_ms: int = ALWAYS) -> int:
        """Take the ids out of the dead letters that came up to then; how many events went."""
        removed = 0
        async for page in self._places.dead_letters.pages():
            for one in page:
                if one.letter.received_ms > until_ms:
                    continue
                theirs, rest = part(one.letter.body, user_ids)
                if theirs and await self._places.dead_letters.replace(one.letter_id, rest):
                    removed += len(theirs)
        return removed
