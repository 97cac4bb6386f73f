"""Made-up stories that are to each other as real ones are: in topics, and heavy-tailed.

Vectors lie around 400 topics of very different size, most of them between two;
half of an item's tags belong to its topic, the others are those that many have;
places crowd in cities; a few words are in every text. Any number of items, in
pieces, always the same ones.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from core.content import Content
from core.geo import GeoPoint
from core.vectors import GRID

DIM = 384
FACETS = 8
_TOPICS = 400
_PARTS = 12
_TAGS = 3_000
_WORDS = 20_000
_CITIES = 300
_TEXT = 60
_TITLE = 4
_AT_ONCE = 4_096
Whole = npt.NDArray[np.int64]


class World:
    """What the stories are about."""

    def __init__(self, dim: int = DIM, seed: int = 1) -> None:
        """Shape: vectors of `dim`."""
        random = np.random.default_rng(seed)
        # Some directions say more than others, as in the vectors of any model.
        self._axes = random.normal(size=(dim, dim)) * (np.arange(1, dim + 1) ** -0.25)[:, None]
        self._topics = random.normal(size=(_TOPICS, dim)) @ self._axes
        self._parts = 0.7 * random.normal(size=(_TOPICS * _PARTS, dim)) @ self._axes
        self._tags = random.integers(_TAGS, size=(_TOPICS, _PARTS))
        self._cities = random.uniform((36, -10), (60, 30), size=(_CITIES, 2))
        self._words = np.array([_word(number) for number in range(_WORDS)])
        self._random = random

    def stories(self, count: int, *, related: int = 0) -> Iterator[Content]:
        """So many items, each naming so many others to read next."""
        for first in range(0, count, _AT_ONCE):
            yield from self._some(first, min(_AT_ONCE, count - first), count, related)

    def _some(self, first: int, count: int, among: int, related: int) -> Iterator[Content]:
        topics = self._ranks(1.3, _TOPICS, count)
        vectors = self._vectors(topics)
        tags = self._tags_of(topics)
        cities = self._cities[self._ranks(1.3, _CITIES, count)]
        places = (cities + self._random.normal(size=(count, 2)) * 0.05).tolist()
        words = self._words[self._ranks(1.2, _WORDS, (count, _TITLE + _TEXT))]
        popularity = self._random.pareto(1, size=count).tolist()
        others = self._random.integers(among, size=(count, related)).tolist()
        for row in range(count):
            yield Content(
                id=f"story-{first + row:07}",
                title=" ".join(words[row, :_TITLE]),
                text=" ".join(words[row, _TITLE:]),
                tags={f"facet{tag % FACETS}:label {tag}": 1.0 for tag in tags[row].tolist()},
                position=GeoPoint(*places[row]),
                popularity=popularity[row],
                related={f"story-{other:07}": 0.5 for other in others[row]},
                vector=vectors[row],
            )

    def _vectors(self, topics: Whole) -> npt.NDArray[np.float32]:
        count = len(topics)
        seconds = self._topics[self._ranks(1.3, _TOPICS, count)]
        parts = self._parts[topics * _PARTS + self._random.integers(_PARTS, size=count)]
        own = self._random.normal(size=(count, len(self._axes))) @ self._axes
        mixed = self._topics[topics] + 0.5 * seconds + parts + 0.9 * own
        lengths = np.sqrt(np.add.reduce(mixed * mixed, axis=1))
        vectors: npt.NDArray[np.float32] = np.rint(mixed * (GRID / lengths)[:, None]).astype(
            np.float32
        )
        return vectors

    def _tags_of(self, topics: Whole) -> Whole:
        shape = (len(topics), FACETS)
        own = self._tags[topics[:, None], self._random.integers(_PARTS, size=shape)]
        common = self._ranks(1.15, _TAGS, shape)
        tags: Whole = np.where(self._random.random(shape) < 0.5, own, common)
        return tags

    def _ranks(self, exponent: float, count: int, size: Any) -> Whole:
        """Numbers below `count`, of which the first come most often."""
        ranks: Whole = np.minimum(self._random.zipf(exponent, size=size) - 1, count - 1)
        return ranks


def _word(number: int) -> str:
    """Three syllables that no other number has, and whose beginnings few have."""
    mixed = number * 7_919 % 64**3  # odd, so no two numbers meet
    syllables = [(mixed >> shift) % 64 for shift in (0, 6, 12)]
    return "".join("bdfghklmnprstvwz"[one % 16] + "aeio"[one // 16] for one in syllables)
