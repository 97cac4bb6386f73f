"""`BatchHandler`: what happens to raw batches, however they reached the worker.

Everything it does may be done twice: events are set members, links are kept as
they were first said, marks gather.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import structlog

from core.events import InteractionEvent
from core.identity.node import Claim
from core.log_names import BATCH_HANDLED, EVENT_REJECTED
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.normalizing.reasons import NormalizedBatch, Rejection
from core.ports import EventBuffer
from core.pseudonyms import pseudonym
from core.queues import DeadLetter, DeadLetters, DueQueue, RawBatch
from ingest_worker.linking import Linker
from ingest_worker.metrics import WorkerMetrics
from ingest_worker.screening import Screen

Normalize = Callable[[RawBatch], NormalizedBatch]

_log = structlog.get_logger()


def normalizer(mapper: EventMapper, *, window_ms: int) -> Normalize:
    """What makes events of a raw batch."""

    def normalize(batch: RawBatch) -> NormalizedBatch:
        return normalize_events(
            batch.body,
            mapper,
            arrived_ms=batch.received_ms,
            window_ms=window_ms,
            call_type=batch.call_type,
        )

    return normalize


class BatchHandler:
    """normalize_events -> IdentityGraph, EventBuffer -> mark the users due."""

    def __init__(  # noqa: PLR0913 - the parts of a worker, each by its name
        self,
        *,
        normalize: Normalize,
        screen: Screen,
        linker: Linker,
        buffer: EventBuffer,
        queue: DueQueue,
        dead_letters: DeadLetters,
        clock_ms: Callable[[], int],
        marked: Callable[[], None],
        metrics: WorkerMetrics,
        record: Callable[[Sequence[InteractionEvent]], None] | None = None,
    ) -> None:
        """Keep the parts; `clock_ms` tells the worker's time, `marked` is called after a mark.

        `record` is told of events that are stored.
        """
        self._record = record
        self._marked = marked
        self._metrics = metrics
        self._normalize = normalize
        self._screen = screen
        self._linker = linker
        self._buffer = buffer
        self._queue = queue
        self._dead_letters = dead_letters
        self._clock_ms = clock_ms

    async def handle(self, batches: Sequence[RawBatch]) -> None:
        """Apply batches; they may be acknowledged once this has returned.

        Raises: RetryableError when a store is away; nothing is lost then.
        """
        with self._metrics.batch_seconds.time():
            await self._handle(batches)

    async def _handle(self, batches: Sequence[RawBatch]) -> None:
        events: list[InteractionEvent] = []
        claims: list[Claim] = []
        letters: list[DeadLetter] = []
        accepted: dict[str, int] = {}
        expired = forbidden = 0
        now_ms = self._clock_ms()
        normalized = [(batch, self._normalize(batch)) for batch in batches]
        screened = await self._screen.before(normalized, now_ms=now_ms)
        for one in screened:
            batch, found = one.batch, one.found
            events += found.events
            claims += found.claims
            expired += found.expired
            forbidden += len(found.withdrawals)
            letters += _letters(batch, found.rejections)
            for event in found.events:
                oldest_ms = accepted.get(event.user_id, batch.stored_ms)
                accepted[event.user_id] = min(oldest_ms, batch.stored_ms)
        linked = await self._linker.link(claims)
        changed = await self._buffer.append(events, now_ms=now_ms)
        # Every user of the batch, not only the changed: after a crash between
        # append and mark, the second delivery changes nothing and must still mark.
        await self._queue.mark({**dict.fromkeys(linked), **accepted}, now_ms=now_ms)
        self._marked()
        await self._reject(letters)
        await self._screen.behind(screened, now_ms=now_ms)
        if self._record is not None:
            self._record(events)
        rejected = Counter(letter.reason for letter in letters)
        self._metrics.forbidden_events.inc(forbidden)
        self._count(len(batches), len(events), rejected, expired)
        _log.info(
            BATCH_HANDLED,
            entries=len(batches),
            events=len(events),
            users_changed=len(changed),
            rejected=dict(rejected),
            expired=expired,
            forbidden=forbidden,
        )

    def _count(self, entries: int, events: int, rejected: Mapping[str, int], expired: int) -> None:
        self._metrics.handled_entries.inc(entries)
        self._metrics.applied_events.inc(events)
        self._metrics.expired_events.inc(expired)
        for reason, count in rejected.items():
            self._metrics.rejected_events.labels(reason).inc(count)

    async def _reject(self, letters: Sequence[DeadLetter]) -> None:
        await self._dead_letters.add(letters)
        for letter in letters:
            _log.warning(
                EVENT_REJECTED,
                reason=letter.reason,
                message_hash=letter.message_id and pseudonym(letter.message_id),
                entry_id=letter.entry_id,
            )


def _letters(batch: RawBatch, rejections: Sequence[Rejection]) -> list[DeadLetter]:
    return [
        DeadLetter(
            reason=rejection.reason,
            entry_id=batch.entry_id,
            shard=batch.shard,
            part=part,
            message_id=rejection.message_id,
            body=rejection.body,
            call_type=rejection.call_type,
            received_ms=batch.received_ms,
        )
        for part, rejection in enumerate(rejections)
    ]
