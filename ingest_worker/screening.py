"""`Screen`: between what came and what is kept, and once more behind it.

Why twice, and what follows from it: `core.erasing.sweep`.
"""

from collections.abc import Iterable, Sequence

import msgspec

from core.erasing.eraser import Eraser
from core.erasing.naming import ids_in
from core.erasing.places import Places
from core.erasing.sweep import Refused, Sweep, is_claim_refused, is_refused
from core.normalizing.reasons import NormalizedBatch
from core.queues import RawBatch
from ingest_worker.metrics import WorkerMetrics


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A raw batch and what came of it. `named`: all ids that this is about."""

    batch: RawBatch
    found: NormalizedBatch
    named: frozenset[str] = frozenset()


class Screen:
    """Keeps erased persons out, and removes those who were erased meanwhile."""

    def __init__(self, places: Places, eraser: Eraser, metrics: WorkerMetrics) -> None:
        """Keep the stores, and what erases who withdraws a consent."""
        self._places = places
        self._eraser = eraser
        self._sweep = Sweep(places)
        self._metrics = metrics

    async def before(
        self, taken: Sequence[tuple[RawBatch, NormalizedBatch]], *, now_ms: int
    ) -> list[Taken]:
        """What of the batches may be kept.

        What lies under ids that were met goes, too: it was written by a worker
        that died before it looked again.
        """
        for user_ids, ts_ms in _withdrawn(found for _, found in taken).items():
            await self._eraser.withdraw(user_ids, ts_ms, now_ms=now_ms)
        batches = [Taken(batch=batch, found=found, named=_named(found)) for batch, found in taken]
        refused = await self._refused(batches, now_ms)
        if not refused:
            return batches
        await self._sweep.purge(_met(batches, refused), now_ms=now_ms)
        screened = [
            msgspec.structs.replace(one, found=_without(one.found, refused)) for one in batches
        ]
        kept = sum(len(one.found.events) for one in screened)
        self._metrics.erased_events.inc(sum(len(one.found.events) for one in batches) - kept)
        return screened

    async def behind(self, batches: Sequence[Taken], *, now_ms: int) -> None:
        """Remove what was kept of those who were erased meanwhile, and the bodies that name them.

        A body that is done with would lie in its stream until that is trimmed.
        """
        refused = await self._refused(batches, now_ms)
        if not refused:
            return
        if met := _met(batches, refused):
            await self._sweep.purge(met, now_ms=now_ms)
        naming = [one.batch for one in batches if not one.named.isdisjoint(refused)]
        await self._places.batches.discard(naming)

    async def _refused(self, batches: Iterable[Taken], now_ms: int) -> Refused:
        ids = frozenset().union(*(one.named for one in batches))
        return await self._sweep.refused(ids, now_ms=now_ms)


def _withdrawn(found: Iterable[NormalizedBatch]) -> dict[tuple[str, ...], int]:
    """Who withdrew a consent, and when for the last time."""
    latest: dict[tuple[str, ...], int] = {}
    for batch in found:
        for one in batch.withdrawals:
            latest[one.user_ids] = max(one.ts_ms, latest.get(one.user_ids, one.ts_ms))
    return latest


def _named(found: NormalizedBatch) -> frozenset[str]:
    ids = {event.user_id for event in found.events}
    for claim in found.claims:
        ids |= {claim.of, claim.person}
    ids |= {one for withdrawal in found.withdrawals for one in withdrawal.user_ids}
    return frozenset(ids.union(*(ids_in(one.body) for one in found.rejections)))


def _met(batches: Iterable[Taken], refused: Refused) -> Refused:
    """Those ids of which something is there that a tombstone refuses."""
    met: set[str] = set()
    for one in batches:
        met |= {event.user_id for event in one.found.events if is_refused(event, refused)}
        for claim in one.found.claims:
            if is_claim_refused(claim, refused):
                met |= {claim.of, claim.person}
    return {one: until_ms for one, until_ms in refused.items() if one in met}


def _without(found: NormalizedBatch, refused: Refused) -> NormalizedBatch:
    return msgspec.structs.replace(
        found,
        events=tuple(event for event in found.events if not is_refused(event, refused)),
        claims=tuple(claim for claim in found.claims if not is_claim_refused(claim, refused)),
    )
