"""`LiveCollective`: the current statistics of all visitors, swapped while answers are made."""

from core.collective.collective import Collective
from core.collective.statistics import CollectiveStatistics
from core.columns import ContentColumns


class LiveCollective:
    """What is known of everybody, from the statistics that were swapped in last."""

    def __init__(self) -> None:
        """There are none yet."""
        self._collective: Collective | None = None
        self._prepared: Collective | None = None

    @property
    def is_there(self) -> bool:
        """Whether there are any."""
        return self._collective is not None

    @property
    def version(self) -> str:
        """That of the statistics; empty while there are none."""
        return "" if self._collective is None else self._collective.version

    def swap(self, statistics: CollectiveStatistics, /) -> None:
        """Use these from now on; answers that have begun keep theirs."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.version != statistics.version:
            prepared = Collective(statistics)
        self._collective = prepared

    def prepare(self, statistics: CollectiveStatistics, columns: ContentColumns | None) -> None:
        """Do beforehand, beside the loop, what the first answer would have to wait for.

        `columns` are those of the catalogue that is served, None where there are none.
        """
        prepared = Collective(statistics)
        if columns is not None:
            prepared.bind(columns)
        self._prepared = prepared

    async def latest(self) -> CollectiveStatistics | None:
        """The statistics that were put last."""
        return None if self._collective is None else self._collective.statistics

    async def put(self, statistics: CollectiveStatistics) -> None:
        """The same as `swap`, for who counts in the same process."""
        self.swap(statistics)

    def current(self) -> Collective | None:
        """What answers are made with, None while nothing has been counted."""
        return self._collective
