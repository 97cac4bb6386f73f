"""The catalogue in the memory of one process: the embedded default `ContentStore`.

Brute force over one matrix, right for catalogues of some ten thousand items.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from core.columns import ContentColumns, ContentRows, Rows
from core.content import Content, ContentFilter
from core.geo import GeoPoint, distance_m
from core.tags import choices_by_facet, fold_words, tag_key
from core.vectors import Floats, GridVector, cosines

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
        self._columns = ContentColumns.of(self._contents)
        self._groups = _groups(self._contents)
        self._words = [fold_words(f"{one.title} {one.text}") for one in self._contents]
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
    def columns(self) -> ContentColumns:
        """Every item, in the order of the ids."""
        return self._columns

    @property
    def contents(self) -> Sequence[Content]:
        """Every item, in the order of the ids."""
        return self._contents

    def __len__(self) -> int:
        """Number of items."""
        return len(self._contents)

    def edition(self) -> "InMemoryContentStore":
        """The store itself: it never changes."""
        return self

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`."""
        return {content.id: content for content in await self.rows(content_ids)}

    async def rows(self, content_ids: Sequence[str]) -> ContentRows:
        """The same in the order asked, each once."""
        found = (self._row.get(content_id) for content_id in dict.fromkeys(content_ids))
        return self._found([row for row in found if row is not None])

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Nearest by cosine, ties by id."""
        closeness = cosines(self._columns.vectors, vector[None, :])[:, 0]
        return self._best(closeness, limit, self._mask(where))

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By the sum of tag weight times item weight; items without any stay out."""
        overlap = np.zeros(len(self._contents))
        for tag, weight in tags.items():
            rows, item_weights = self._tagged.get(tag_key(tag), _NOWHERE)
            overlap[rows] += weight * item_weights
        return self._best(overlap, limit, self._mask(where) & (overlap > 0))

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Within the radius, nearest first, ties by id."""
        distances = self._distances(near, np.flatnonzero(self._mask(where)))
        inside = sorted((metres, row) for row, metres in distances.items() if metres <= radius_m)
        return self._found([row for _, row in inside[:limit]])

    async def search_related(
        self, content_ids: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By the sum of item weight times relation weight."""
        closeness = np.zeros(len(self._contents))
        for content in await self.rows(list(content_ids)):
            for other, weight in content.related.items():
                if (row := self._row.get(other)) is not None:
                    closeness[row] += weight * content_ids[content.id]
        return self._best(closeness, limit, self._mask(where) & (closeness > 0))

    async def search_popular(self, *, limit: int, where: ContentFilter) -> ContentRows:
        """The most popular, ties by id."""
        popularity = np.array([one.popularity for one in self._contents])
        return self._best(popularity, limit, self._mask(where) & (popularity > 0))

    async def search_text(self, query: str, *, limit: int, where: ContentFilter) -> ContentRows:
        """By how many of the query's words an item has."""
        words = fold_words(query)
        hits = np.array(
            [
                sum(any(own.startswith(word) for own in had) for word in words)
                for had in self._words
            ],
            dtype=np.float64,
        )
        return self._best(hits, limit, self._mask(where) & (hits > 0))

    async def pinned(self, *, where: ContentFilter) -> ContentRows:
        """Items that curators gave a rank, by that rank."""
        allowed = np.flatnonzero(self._mask(where)).tolist()
        ranks = ((self._contents[row].rules.pinned, row) for row in allowed)
        return self._found(
            [row for _, row in sorted((r, row) for r, row in ranks if r is not None)]
        )

    async def together(self, groups: Sequence[str]) -> Mapping[str, ContentRows]:
        """The members of each group that exists."""
        return {name: self._found(self._groups[name]) for name in groups if name in self._groups}

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> ContentRows:
        """A draw that only `seed` decides."""
        mask = self._mask(where)
        order = np.random.default_rng(seed).permutation(len(self._contents))
        return self._found(order[mask[order]][:limit])

    def _best(self, values: Floats, limit: int, mask: Mask) -> ContentRows:
        rows = np.flatnonzero(mask)
        if len(rows) > limit:  # all that tie with the last one stay, for the sort to decide
            worst = np.partition(values[rows], len(rows) - limit)[len(rows) - limit]
            rows = rows[values[rows] >= worst]
        order = rows[np.argsort(-values[rows], kind="stable")]
        return self._found(order[:limit])

    def _found(self, rows: Sequence[int] | Rows) -> ContentRows:
        return ContentRows(self._columns, np.asarray(rows, dtype=np.intp))

    def _mask(self, where: ContentFilter) -> Mask:
        shown = [one.rules.shows_at(where.now_ms) for one in self._contents]
        mask = np.array(shown, dtype=np.bool_)
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


def _groups(contents: Sequence[Content]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for row, content in enumerate(contents):
        if content.rules.together is not None:
            groups.setdefault(content.rules.together, []).append(row)
    return groups


def _version(contents: Sequence[Content]) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for content in contents:
        digest.update(content.digest().encode())
        digest.update(content.vector.astype("<f4").tobytes())
    return digest.hexdigest()
