"""`CollectiveLearning`: makes the statistics of all visitors on the walk that counts views.

Who likes what is read from the models, which fold all the ids of a person into
one; how often items were shown, from the events.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from time import monotonic
from typing import Protocol

import msgspec
import structlog

from core.collective.build import Counted, build_statistics
from core.collective.readings import ReadingGatherer
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig
from core.events import InteractionEvent
from core.index.contents import IndexedContents
from core.log_names import COLLECTIVE_PUBLISHED
from core.ports import ContentStore, UserModelStore
from core.signals import UserSignals
from ingest_worker.publishing.threads import aside

_log = structlog.get_logger()


class StatisticsPlace(Protocol):
    """Where statistics are put for all who answer. Methods may raise RetryableError."""

    async def latest(self) -> CollectiveStatistics | None:
        """What was put there last."""
        ...

    async def put(self, statistics: CollectiveStatistics) -> None:
        """Have these used from now on."""
        ...


class Gathering:
    """What one walk has gathered so far."""

    def __init__(self, catalogue: Collection[str] | None, config: CollectiveConfig) -> None:
        """`catalogue`: the items that count; None leaves that to whoever adds."""
        self.catalogue = catalogue
        self.impressions: Counter[str] = Counter()
        self.readings = ReadingGatherer(most=config.readings_per_visitor)
        self._met: set[int] = set()

    def add(
        self,
        events: Iterable[InteractionEvent],
        model: UserSignals | None,
        known: Collection[str],
    ) -> None:
        """What one id did, and the model of the person it belongs to: each person once."""
        counts = known if self.catalogue is None else self.catalogue
        for event in events:
            if event.kind == "view_started":
                shown = {*event.impressions, event.content_id or ""}
                self.impressions.update(one for one in shown if one in counts)
        if model is None or hash(model.user_id) in self._met:
            return
        self._met.add(hash(model.user_id))
        viewed = {one: ts_ms for one, ts_ms in model.viewed.items() if one in counts}
        self.readings.add(msgspec.structs.replace(model, viewed=viewed))


class CollectiveLearning:
    """Gathers beside a count of views, then builds and puts what is new."""

    def __init__(
        self, models: UserModelStore, place: StatisticsPlace, config: CollectiveConfig
    ) -> None:
        """`models` are those of the workers."""
        self.models = models
        self._place = place
        self._config = config

    def begin(self, edition: ContentStore) -> Gathering:
        """A new walk over everybody, for the items of that catalogue."""
        if isinstance(edition, IndexedContents):
            return Gathering(frozenset(edition.columns.ids), self._config)
        return Gathering(None, self._config)

    async def finish(self, gathering: Gathering, *, now_ms: int) -> CollectiveStatistics:
        """Build the statistics, beside the loop, and put them unless they are there already.

        Raises: RetryableError when their place is away.
        """
        previous, from_s = await self._place.latest(), monotonic()
        counted = Counted(readings=gathering.readings.readings(), impressions=gathering.impressions)
        catalogue: Sequence[str] = sorted(
            counted.readings.ids if gathering.catalogue is None else gathering.catalogue
        )
        statistics = await aside(
            lambda: build_statistics(
                counted, catalogue, self._config, now_ms=now_ms, previous=previous
            )
        )
        if previous is None or previous.version != statistics.version:
            await self._place.put(statistics)
            figures = statistics.figures
            _log.info(
                COLLECTIVE_PUBLISHED,
                version=figures.version,
                visitors=figures.visitors,
                views=figures.views,
                likes=figures.likes,
                items=figures.items,
                seconds=round(monotonic() - from_s, 2),
            )
        return statistics
