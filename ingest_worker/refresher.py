"""The debouncing refresher: takes due users in rounds and rebuilds their models."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from core.erasing.sweep import Sweep
from core.erasing.tombstones import ALWAYS
from core.errors import RetryableError
from core.log_names import REFRESH_FAILED, USERS_REFRESHED
from core.queues import DueQueue, DueUser
from core.updater import Refreshed, UserModelUpdater
from ingest_worker.metrics import WorkerMetrics
from ingest_worker.pacing import pause

_BACK_OFF_S = 1.0

_log = structlog.get_logger()


class Refresher:
    """Due users in rounds; a round that was cut off is leased to another worker later."""

    def __init__(  # noqa: PLR0913 - the parts of a worker, each by its name
        self,
        *,
        queue: DueQueue,
        updater: UserModelUpdater,
        sweep: Sweep,
        clock_ms: Callable[[], int],
        users_a_round: int,
        poll_ms: int,
        again_after_ms: int,
        metrics: WorkerMetrics,
        beat: Callable[[], None],
    ) -> None:
        """`again_after_ms`: when a model is aged without events, well inside its TTL.

        `beat` is called as long as the refresher runs.
        """
        self._queue = queue
        self._updater = updater
        self._sweep = sweep
        self._clock_ms = clock_ms
        self._users_a_round = users_a_round
        self._poll_s = poll_ms / 1000
        self._again_after_ms = again_after_ms
        self._metrics = metrics
        self._beat = beat
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Look now: somebody was marked in this very process."""
        self._nudged.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Refresh whoever is due until told to stop; a round that has begun is finished."""
        while not stopping.is_set():
            self._beat()
            try:
                busy = await self.refresh_round()
            except RetryableError as exc:
                self._metrics.failed_refreshes.inc()
                _log.warning(REFRESH_FAILED, error=str(exc))
                await pause(stopping, _BACK_OFF_S)
            except Exception:
                # The users stay leased, and due again when the lease has run out.
                self._metrics.failed_refreshes.inc()
                _log.exception(REFRESH_FAILED)
                await pause(stopping, _BACK_OFF_S)
            else:
                await pause(self._nudged, 0 if busy else self._poll_s)
                self._nudged.clear()

    async def refresh_round(self) -> bool:
        """Refresh one round of due users; whether there were any.

        Without a catalogue none is taken: whoever is stays so for a whole lease.
        """
        if not self._updater.has_catalogue:
            return False
        due = await self._queue.pop(limit=self._users_a_round, now_ms=self._clock_ms())
        if not due:
            return False
        started_ms = self._clock_ms()
        for user in due:
            if user.accepted_ms is not None:
                waited_ms = max(started_ms - user.accepted_ms, 0)
                self._metrics.refresh_wait_seconds.observe(waited_ms / 1000)
        try:
            await self._refresh(due)
        except RetryableError:
            raise
        except Exception:
            await self._refresh_alone(due)
        took_ms = self._clock_ms() - started_ms
        self._metrics.refresh_seconds.observe(took_ms / 1000)
        _log.info(USERS_REFRESHED, users=len(due), took_ms=took_ms)
        return True

    async def _refresh(self, due: Sequence[DueUser]) -> None:
        erased = await self._erased(user.user_id for user in due)
        await self._end([one for one in due if one.user_id in erased], erased)
        due = [one for one in due if one.user_id not in erased]
        if not due:
            return
        user_ids = [user.user_id for user in due]
        refreshed = await self._updater.refresh(*user_ids, now_ms=self._clock_ms())
        outcomes = {user_id: one for one in refreshed for user_id in one.asked}
        self._measure(due, refreshed, outcomes)
        # Before the leases end: who takes over from a worker that dies here does it again.
        erased = await self._erased({*outcomes, *(one.user_id for one in refreshed)})
        await self._complete([one for one in due if one.user_id not in erased], outcomes)
        await self._end([one for one in due if one.user_id in erased], erased)

    async def _erased(self, user_ids: Iterable[str]) -> Sequence[str]:
        """Those of the ids that are erased; nothing lies under them any more."""
        refused = await self._sweep.refused(user_ids, now_ms=self._clock_ms())
        erased = [one for one, until_ms in refused.items() if until_ms >= ALWAYS]
        if erased:
            await self._sweep.erase_leased(erased)
        return erased

    async def _end(self, due: Sequence[DueUser], erased: Sequence[str]) -> None:
        """End the leases of the erased, and remove what the queue still holds of them."""
        if erased:
            await self._queue.complete(due, again_ms=None)
            await self._queue.forget(erased)

    def _measure(
        self,
        due: Sequence[DueUser],
        refreshed: Sequence[Refreshed],
        outcomes: Mapping[str, Refreshed],
    ) -> None:
        saved_ms = self._clock_ms()
        for user in due:
            if user.accepted_ms is not None and outcomes[user.user_id].signals is not None:
                fresh_ms = max(saved_ms - user.accepted_ms, 0)
                self._metrics.freshness_seconds.observe(fresh_ms / 1000)
        saved = sum(one.saved for one in refreshed)
        built = sum(one.signals is not None for one in refreshed)
        for outcome, count in (
            ("saved", saved),
            ("superseded", built - saved),
            ("no_events", len(refreshed) - built),
        ):
            self._metrics.refreshed_users.labels(outcome).inc(count)

    async def _refresh_alone(self, due: Sequence[DueUser]) -> None:
        """One by one after a round has failed, so that one user's bug stays with them.

        Theirs stays leased, and is tried again when the lease has run out.
        """
        for user in due:
            try:
                await self._refresh([user])
            except RetryableError:
                raise
            except Exception:
                self._metrics.failed_refreshes.inc()
                _log.exception(REFRESH_FAILED, token=user.token)

    async def _complete(self, due: Sequence[DueUser], outcomes: Mapping[str, Refreshed]) -> None:
        """Book the next refresh as long as there are events, or when a model has to go."""
        again_ms = self._clock_ms() + self._again_after_ms
        booked: dict[int | None, list[DueUser]] = {}
        for user in due:
            one = outcomes[user.user_id]
            ends_ms = again_ms if one.ends_ms is None else one.ends_ms + 1
            at_ms = None if one.signals is None else min(again_ms, ends_ms)
            booked.setdefault(at_ms, []).append(user)
        for at_ms, users in booked.items():
            await self._queue.complete(users, again_ms=at_ms)
