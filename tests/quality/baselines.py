"""What the engine is measured against: popularity and EASE, as good as tuning makes them.

Dense and exact, with nothing cut off. Popularity is exact to the rating, EASE as
old as the day.
Source: H. Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019.
"""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.modelling.decay import MS_PER_DAY
from core.vectors import Floats
from tests.quality.dataset import Ratings
from tests.quality.metrics import TOP
from tests.quality.questions import Question


class Decay(msgspec.Struct, frozen=True):
    """What likes count: half after so many later ones, but never less than `floor`."""

    half_life: float
    floor: float

    def amounts(self, count: int) -> Floats:
        """Latest first. Shape: (count,)."""
        return self.floor + (1.0 - self.floor) * 0.5 ** (np.arange(count) / self.half_life)


PLAIN = Decay(half_life=1.0, floor=1.0)


class Ease:
    """EASE of the likes, with the user's own counted by each of several decays."""

    def __init__(
        self, ratings: Ratings, items: int, regularization: float, decays: Mapping[str, Decay]
    ) -> None:
        """The ways are called like their decays."""
        self._likes = ratings.where(ratings.liked)
        self._places = np.flatnonzero(ratings.liked)
        self._ratings, self._items = ratings, items
        self._regularization, self._decays = regularization, decays
        self._weights: npt.NDArray[np.float32] = np.zeros((items, items), dtype=np.float32)

    def begin_day(self, before: int, now_ms: int) -> None:  # noqa: ARG002 - as the protocol says
        """Solve it for the likes so far."""
        upto = int(np.searchsorted(self._places, before))
        matrix = np.zeros((int(self._likes.users.max()) + 1, self._items), dtype=np.float32)
        matrix[self._likes.users[:upto], self._likes.items[:upto]] = 1.0
        gram = matrix.T @ matrix
        gram[np.diag_indices(self._items)] += np.float32(self._regularization)
        inverse = np.linalg.inv(gram)
        self._weights = -inverse / np.diag(inverse)
        np.fill_diagonal(self._weights, 0.0)

    def answer(self, question: Question) -> Mapping[str, Sequence[int]]:
        """One list a decay."""
        history = np.array(question.history)
        liked = history[self._ratings.liked[history]][::-1]
        amounts = np.stack([one.amounts(len(liked)) for one in self._decays.values()])
        scores = amounts.astype(np.float32) @ self._weights[self._ratings.items[liked]]
        scores[:, seen(self._ratings, question)] = -np.inf
        return {name: best(own) for name, own in zip(self._decays, scores, strict=True)}


class Popularity:
    """The most liked of all, likes counting less with age."""

    def __init__(self, ratings: Ratings, items: int, half_lives: Mapping[str, float]) -> None:
        """`half_lives` in days; the ways are called like them."""
        self._ratings, self._half_lives = ratings, half_lives
        self._counts = {name: np.zeros(items) for name in half_lives}
        self._counted = 0

    def begin_day(self, before: int, now_ms: int) -> None:
        """Nothing: what is liked is counted at once."""

    def answer(self, question: Question) -> Mapping[str, Sequence[int]]:
        """One list a half-life."""
        self._count(question.place)
        shown = {}
        for name, counts in self._counts.items():
            open_counts = counts.copy()
            open_counts[seen(self._ratings, question)] = -1.0
            shown[name] = best(open_counts)
        return shown

    def _count(self, upto: int) -> None:
        new = slice(self._counted, upto)
        liked = self._ratings.liked[new]
        items = self._ratings.items[new][liked]
        # Counted at the weight of a later time, a like need never be weighed down.
        days = (self._ratings.ts_ms[new][liked] - self._ratings.ts_ms[0]) / MS_PER_DAY
        for name, half_life in self._half_lives.items():
            np.add.at(self._counts[name], items, 2.0 ** (days / half_life))
        self._counted = upto


def seen(ratings: Ratings, question: Question) -> npt.NDArray[np.int64]:
    """The items that may not be shown, known or not."""
    return np.concatenate([ratings.items[list(question.history)], question.hidden]).astype(np.int64)


def best(scores: npt.NDArray[np.floating]) -> list[int]:
    """The ten of the greatest scores, ties by number."""
    top = np.argpartition(-scores, TOP)[:TOP]
    return [int(at) for at in top[np.lexsort((top, -scores[top]))]]
