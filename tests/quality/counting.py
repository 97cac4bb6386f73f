"""The statistics of all visitors as of the beginning of a day, counted by the engine's own code."""

import numpy as np
import numpy.typing as npt

from core.collective.build import Counted, build_statistics
from core.collective.collective import Collective
from core.collective.readings import ReadingGatherer
from core.config import CollectiveConfig
from core.signals import UserSignals
from tests.quality.dataset import Dataset
from tests.quality.visitors import Visitors


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

    def count(self, before: int, now_ms: int) -> Collective:
        """Statistics of all ratings in places below `before`."""
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
        counted = Counted(readings=gatherer.readings())
        statistics = build_statistics(counted, self._catalogue, self._config, now_ms=now_ms)
        return Collective(statistics)
