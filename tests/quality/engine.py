"""The engine itself under test: its models, its statistics, its index and its recommender."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
import numpy.typing as npt

from adapters.embedding.hashed import HashedEmbedder
from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.answer_log.served import Served
from core.collective.collective import Collective
from core.config import CollectiveConfig, ModelConfig, RankingConfig, SignalsConfig
from core.recommendation import RecommendRequest
from core.recommender import Recommender
from tests.quality.counting import Counting
from tests.quality.dataset import Dataset
from tests.quality.metrics import TOP
from tests.quality.questions import Question
from tests.quality.visitors import Visitors

_NOTHING_SHOWN: Mapping[str, int] = {}
_ALL_DAYS = 365.0
"""The data set spans seven months, and what the engine is compared with forgets nothing."""


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of models and statistics, which all ways of an engine share."""

    model: ModelConfig = ModelConfig(signals=SignalsConfig(window_days=_ALL_DAYS))
    collective: CollectiveConfig = CollectiveConfig()


class Engine:
    """Ways to rank that differ in the settings of ranking only; to be closed."""

    def __init__(
        self,
        dataset: Dataset,
        ways: Mapping[str, RankingConfig],
        config: EngineConfig,
        counted: npt.NDArray[np.intp] | None = None,
    ) -> None:
        """`counted` are the places of the ratings that statistics are made of: all, or a sample."""
        space = HashedEmbedder().id
        self._films = dataset.films
        self._number = {film.id: at for at, film in enumerate(dataset.films)}
        self._visitors = Visitors(dataset, config.model, space)
        self._counting = Counting(dataset, self._visitors, config.collective, counted)
        self._collective: Collective | None = None
        contents = InMemoryContentStore(dataset.films, space)
        self._recommenders = {
            name: Recommender(
                InMemoryUserModelStore(ttl_s=1, clock_s=lambda: 0.0),
                contents,
                way,
                self._visitors.config_version,
                collective=lambda: self._collective,
            )
            for name, way in ways.items()
        }
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the loop that answers are made in."""
        self._runner.close()

    def begin_without(self, film_ids: Collection[str], before: int, now_ms: int) -> None:
        """Count all visitors while some films are not in the catalogue yet."""
        self._counting.count_without(film_ids, before, now_ms)

    def begin_day(
        self, before: int, now_ms: int, shown: Mapping[str, int] = _NOTHING_SHOWN
    ) -> None:
        """Count all visitors anew, as the engine does once a day; `shown` are impressions."""
        self._collective = self._counting.count(before, now_ms, shown)

    def answer(self, question: Question) -> Mapping[str, Sequence[int]]:
        """One list a way."""
        return {
            name: [self._number[item.content_id] for item in served.answer.items]
            for name, served in self.serve(question).items()
        }

    def serve(self, question: Question) -> Mapping[str, Served]:
        """What each way answers, with all that decided it."""
        model = self._visitors.model(question.user, question.history, question.now_ms)
        # As every refresh has a revision of its own: what a list draws goes by it.
        signals = msgspec.structs.replace(model, revision=question.place)
        request = RecommendRequest(
            user_id=signals.user_id,
            limit=TOP,
            exclude=tuple(self._films[at].id for at in question.hidden),
        )
        served: dict[str, Served] = {}
        for name, recommender in self._recommenders.items():
            record = partial(served.__setitem__, name)
            asked = recommender.rank(signals, request, now_ms=question.now_ms, record=record)
            self._runner.run(asked)
        return served
