"""`PopularityCounting`: counts what everybody viewed, again and again, from the event buffers.

Each count is made anew of all buffered events, so there is nothing to lose or to
count twice, and nothing is written while events come in.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from time import monotonic

import msgspec
import structlog

from core.errors import NoCatalogueError, RetryableError
from core.log_names import COUNTING_FAILED, VIEWS_COUNTED
from core.popularity.store import PopularityStore
from core.popularity.views import ViewCounter, ViewCounts, viewed_items
from core.ports import ContentStore, EventWindow
from ingest_worker.counting.learning import CollectiveLearning, Gathering
from ingest_worker.counting.report import CountingReport
from ingest_worker.counting.walk import BufferWalk

_AGAIN_S = 10.0

_log = structlog.get_logger()


class CountingPace(msgspec.Struct, frozen=True, kw_only=True):
    """How often is counted.

    `look_every_s` is how often it is looked whether there is a catalogue, and the least rest.
    """

    every_s: float
    look_every_s: float = 0.5


class PopularityCounting:
    """Counts, and saves what it has counted."""

    def __init__(
        self,
        *,
        walk: BufferWalk,
        store: PopularityStore,
        contents: Callable[[], ContentStore | None],
        window_ms: int,
        clock_ms: Callable[[], int],
        pace: CountingPace,
        report: CountingReport,
        learning: CollectiveLearning | None = None,
    ) -> None:
        """`contents` gives the catalogue whose items count, None while nothing is to be done.

        `learning` learns what all visitors like, on the same walk.
        """
        self._walk = walk
        self._store = store
        self._contents = contents
        self._window_ms = window_ms
        self._clock_ms = clock_ms
        self._every_s = pace.every_s
        self._report = report
        self._learning = learning
        self._look_every_s = pace.look_every_s

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            from_s, wait_s = monotonic(), self._look_every_s
            try:
                if await self.count() is not None:
                    wait_s = self._every_s
            except NoCatalogueError:
                pass  # soon there will be one
            except RetryableError as exc:
                wait_s = self._failed()
                _log.warning(COUNTING_FAILED, error=str(exc))
            except Exception:
                # What was counted last is no worse for it, nor is whatever runs beside this.
                wait_s = self._failed()
                _log.exception(COUNTING_FAILED)
            await asyncio.sleep(max(self._look_every_s, wait_s - (monotonic() - from_s)))

    async def count(self) -> ViewCounts | None:
        """One count; None where there is nothing to be done, or no longer.

        Raises: RetryableError when a store is away.
        """
        contents, from_s = self._contents(), monotonic()
        if contents is None:
            return None
        edition = contents.edition()
        counter = ViewCounter(now_ms=self._clock_ms(), window_ms=self._window_ms)
        gathering = None if self._learning is None else self._learning.begin(edition)
        async for windows in self._walk.windows(since_ms=counter.since_ms):
            known = await _add(windows, edition, counter)
            await self._gather(windows, known, gathering)
            if self._contents() is None:
                return None
        counts = counter.counts()
        await self._store.save(counts)
        self._note(counts, monotonic() - from_s)
        if self._learning is not None and gathering is not None:
            await self._learning.finish(gathering, now_ms=self._clock_ms())
        return counts

    async def _gather(
        self, windows: Sequence[EventWindow], known: Collection[str], gathering: Gathering | None
    ) -> None:
        if self._learning is None or gathering is None:
            return
        models = self._learning.models
        found = await asyncio.gather(*(models.get_signals(one.user_id) for one in windows))
        for window, model in zip(windows, found, strict=True):
            gathering.add(window.events, model, known)

    def _note(self, counts: ViewCounts, took_s: float) -> None:
        report = self._report
        report.counted_at_ms, report.seconds = counts.counted_at_ms, took_s
        report.visitors, report.events = counts.visitors, counts.events
        report.items = len(counts.ids)
        _log.info(
            VIEWS_COUNTED,
            visitors=counts.visitors,
            events=counts.events,
            items=report.items,
            seconds=round(took_s, 2),
        )

    def _failed(self) -> float:
        """After how many seconds to try again."""
        self._report.failures += 1
        return min(self._every_s, _AGAIN_S)


async def _add(
    windows: Sequence[EventWindow], edition: ContentStore, counter: ViewCounter
) -> Collection[str]:
    """Count some visitors' views of the items that there are; which of theirs there are."""
    viewed: set[str] = set().union(*(viewed_items(one.events) for one in windows))
    new = {one for one in viewed if one not in counter}
    known = viewed - new
    if new:
        known.update((await edition.rows(sorted(new))).ids)
    for window in windows:
        counter.add(window.events, known)
    return known
