"""The catalogue in the memory of one process: the embedded default `ContentStore`.

Brute force over one matrix, right for catalogues of some ten thousand items.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.content import Content, ContentFilter
from core.geo import GeoPoint, distance_m
from core.tags import choices_by_facet, tag_key
from core.vectors import Floats, GridVector, cosines

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
_NOWHERE: tuple[Rows, Floats] = (np.array([], dtype=np.intp), np.array([]))


class InMemoryContentStore:
    """Items in the order of their ids, so that row order breaks every tie by id."""

    def __init__(self, contents: Iterable[Content], vector_space: str = "") -> None:
        """Index the items; a later one of the same id replaces an earlier one."""
        self._vector_space = vector_space
        by_id = {content.id: content for content in contents}
        self._contents = [by_id[content_id] for content_id in sorted(by_id)]
        self._row = {content.id: row for row, content in enumerate(self._contents)}
        self._matrix = np.stack([content.vector for content in self._contents])
        self._tagged = _inverted(self._contents)
        self._version = _version(self._contents)

    @property
    def version(self) -> str:
        """A digest of every item."""
        return self._version

    @property
    def vector_space(self) -> str:
        """The embedder of the items' vectors."""
        return self._vector_space

    @property
    def contents(self) -> Sequence[Content]:
        """Every item, in the order of the ids."""
        return self._contents

    def __len__(self) -> int:
        """Number of items."""
        return len(self._contents)

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`."""
        return {
            content_id: self._contents[row]
            for content_id in content_ids
            if (row := self._row.get(content_id)) is not None
        }

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> Sequence[Content]:
        """Nearest by cosine, ties by id."""
        closeness = cosines(self._matrix, vector[None, :])[:, 0]
        return self._best(closeness, limit, self._mask(where))

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> Sequence[Content]:
        """By the sum of tag weight times item weight; items without any stay out."""
        overlap = np.zeros(len(self._contents))
        for tag, weight in tags.items():
            rows, item_weights = self._tagged.get(tag_key(tag), _NOWHERE)
            overlap[rows] += weight * item_weights
        return self._best(overlap, limit, self._mask(where) & (overlap > 0))

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> Sequence[Content]:
        """Within the radius, nearest first, ties by id."""
        distances = self._distances(near, np.flatnonzero(self._mask(where)))
        inside = sorted((metres, row) for row, metres in distances.items() if metres <= radius_m)
        return [self._contents[row] for _, row in inside[:limit]]

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> Sequence[Content]:
        """A draw that only `seed` decides."""
        mask = self._mask(where)
        order = np.random.default_rng(seed).permutation(len(self._contents))
        return [self._contents[row] for row in order[mask[order]][:limit]]

    def _best(self, values: Floats, limit: int, mask: Mask) -> list[Content]:
        rows = np.flatnonzero(mask)
        if len(rows) > limit:  # all that tie with the last one stay, for the sort to decide
            worst = np.partition(values[rows], len(rows) - limit)[len(rows) - limit]
            rows = rows[values[rows] >= worst]
        order = rows[np.argsort(-values[rows], kind="stable")]
        return [self._contents[row] for row in order[:limit]]

    def _mask(self, where: ContentFilter) -> Mask:
        mask = np.ones(len(self._contents), dtype=np.bool_)
        for choices in choices_by_facet(where.tags).values():
            allowed = np.zeros_like(mask)
            for tag in choices:
                allowed[self._tagged.get(tag, _NOWHERE)[0]] = True
            mask &= allowed
        mask[[self._row[one] for one in where.exclude if one in self._row]] = False
        if where.near is not None and where.radius_m is not None:
            distances = self._distances(where.near, np.flatnonzero(mask))
            mask[:] = False
            mask[[row for row, metres in distances.items() if metres <= where.radius_m]] = True
        return mask

    def _distances(self, near: GeoPoint, rows: Rows) -> dict[int, float]:
        placed = ((int(row), self._contents[row].position) for row in rows)
        return {row: distance_m(near, place) for row, place in placed if place is not None}


def _inverted(contents: Sequence[Content]) -> dict[str, tuple[Rows, Floats]]:
    """From each tag to the rows that have it and how much; a row stands there once."""
    tagged: dict[str, dict[int, float]] = {}
    for row, content in enumerate(contents):
        for tag, weight in content.keyed_tags:
            rows = tagged.setdefault(tag, {})
            rows[row] = rows.get(row, 0.0) + weight
    return {
        tag: (np.array(list(rows), dtype=np.intp), np.array(list(rows.values())))
        for tag, rows in tagged.items()
    }


def _version(contents: Sequence[Content]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for content in contents:
        shown = content.as_json() | {"tags": dict(content.tags)}
        digest.update(msgspec.json.encode(shown, order="deterministic"))
        digest.update(content.vector.astype("<f4").tobytes())
    return digest.hexdigest()
