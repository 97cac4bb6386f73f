"""Users of the data set as visitors of the engine: ratings as events, events as models."""

from collections.abc import Mapping, Sequence

from adapters.plans.toml import read_plan
from core.config import ModelConfig
from core.content import Content
from core.events import InteractionEvent
from core.modelling.build import ModelBasis, build_user_signals
from core.signals import UserSignals
from tests.quality.dataset import Dataset

_EVENT = "SURVEY_SUBMITTED"


class Visitors:
    """Models of any user as of any moment, built from the events until then."""

    def __init__(self, dataset: Dataset, config: ModelConfig, vector_space: str) -> None:
        """Turn every rating into the event that the engine makes of a survey with stars."""
        ratings = dataset.ratings
        columns = (ratings.users, ratings.items, ratings.stars, ratings.ts_ms)
        self._events = [
            _event(place, dataset.films[item], user, stars, ts_ms)
            for place, (user, item, stars, ts_ms) in enumerate(
                zip(*(one.tolist() for one in columns), strict=True)
            )
        ]
        self._contents: Mapping[str, Content] = {film.id: film for film in dataset.films}
        self._basis = ModelBasis.of(read_plan("in_memorial"), config)
        self._space = vector_space

    @property
    def config_version(self) -> str:
        """As models are labelled."""
        return self._basis.config_version

    def model(self, user: int, places: Sequence[int], now_ms: int) -> UserSignals:
        """What the engine knows of a user by these ratings."""
        return build_user_signals(
            str(user),
            [self._events[place] for place in places],
            self._contents,
            self._basis,
            now_ms=now_ms,
            vector_space=self._space,
        )


def _event(place: int, film: Content, user: int, stars: int, ts_ms: int) -> InteractionEvent:
    return InteractionEvent(
        user_id=str(user),
        ts_ms=ts_ms,
        message_id=f"rating-{place:06d}",
        kind="survey",
        name=_EVENT,
        content_id=film.id,
        rating=float(stars),
    )
