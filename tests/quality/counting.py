"""The statistics of all visitors as of the beginning of a day, counted by the engine's own code."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.readings import ReadingGatherer
from core.collective.statistics import CollectiveStatistics
from core.config import CollectiveConfig
from core.signals import UserSignals
from tests.quality.dataset import Dataset
from tests.quality.visitors import Visitors

_NOTHING_SHOWN: Mapping[str, int] = {}


class Counting:
    """Keeps a model of every visitor up to date, and counts them."""

    def __init__(
        self,
        dataset: Dataset,
        visitors: Visitors,
        config: CollectiveConfig,
        counted: npt.NDArray[np.intp] | None = None,
    ) -> None:
        """`counted` are the places of the ratings that may be: all, or a sample."""
        ratings = dataset.ratings
        self._visitors, self._config = visitors, config
        self._places = np.arange(len(ratings)) if counted is None else np.sort(counted)
        self._users = ratings.users
        self._catalogue = [film.id for film in dataset.films]
        self._histories: dict[int, list[int]] = {}
        self._models: dict[int, UserSignals] = {}
        self._upto = 0
        self._previous: CollectiveStatistics | None = None

    def count_without(self, film_ids: Collection[str], before: int, now_ms: int) -> None:
        """Statistics while some films are not there yet: what comes after them is new."""
        self._previous = self._statistics(
            before, now_ms, [one for one in self._catalogue if one not in film_ids]
        )

    def count(
        self, before: int, now_ms: int, shown: Mapping[str, int] = _NOTHING_SHOWN
    ) -> Collective:
        """Statistics of all ratings in places below `before`."""
        statistics = self._statistics(before, now_ms, self._catalogue, shown)
        if self._previous is not None:
            self._previous = statistics
        return Collective(statistics)

    def _statistics(
        self,
        before: int,
        now_ms: int,
        catalogue: Sequence[str],
        shown: Mapping[str, int] = _NOTHING_SHOWN,
    ) -> CollectiveStatistics:
        upto = int(np.searchsorted(self._places, before))
        new: dict[int, None] = {}
        for place in self._places[self._upto : upto].tolist():
            user = int(self._users[place])
            self._histories.setdefault(user, []).append(place)
            new[user] = None
        self._upto = upto
        for user in new:
            self._models[user] = self._visitors.model(user, self._histories[user], now_ms)
        gatherer = ReadingGatherer(most=self._config.readings_per_visitor)
        for model in self._models.values():
            gatherer.add(model)
        counted = Counted(readings=gatherer.readings(), impressions=shown)
        return build_statistics(
            counted, catalogue, self._config, now_ms=now_ms, previous=self._previous
        )
