"""The one `ContentStore` over an index, whether its arrays lie in memory or in a file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from core.columns import NOTHING, ContentColumns, ContentRows, TagColumns
from core.content import Content, ContentFilter
from core.geo import GeoPoint
from core.index.build import BuiltIndex
from core.index.cells import VectorSearch
from core.index.documents import Documents
from core.index.draw import drawn
from core.index.geo_grid import GeoSearch
from core.index.scope import Mask, Scope
from core.index.tag_lists import TagSearch
from core.index.words import WordSearch
from core.ragged import Numbers, Rows
from core.strings import RememberedRows
from core.tags import choices_by_facet, tag_key
from core.vectors import GridVector

_SCARCE = 8
"""A filter that leaves less than an eighth is drawn from by itself, else from everything."""
_NO_ROWS: Rows = np.zeros(0, dtype=np.intp)


class IndexedContents:
    """A catalogue that never changes, searched in this process."""

    def __init__(self, index: BuiltIndex) -> None:
        """Keep the arrays; nothing is copied."""
        arrays, figures = index.arrays, index.figures
        self.index = index
        self._arrays = arrays
        self._figures = figures
        documents = Documents(arrays.documents, arrays.vectors)
        self._columns = ContentColumns(
            ids=arrays.ids,
            contents=documents,
            title_of=documents.title,
            order=arrays.order,
            vectors=arrays.vectors,
            tags=TagColumns(
                vocabulary={name: tag for tag, name in enumerate(arrays.tag_names)},
                starts=arrays.tags.starts,
                entries=arrays.tags.entries,
            ),
            places=arrays.places,
            ruled=arrays.ruled,
        )
        self._ids = RememberedRows(arrays.ids, arrays.lookup)
        shown = arrays.order[: figures.shown]
        self._vectors = VectorSearch(arrays.cells, arrays.vectors, shown, figures.probe)
        self._tags = TagSearch(arrays.tags, arrays.tag_lists, shown)
        self._geo = GeoSearch(arrays.geo, arrays.places, shown)
        self._words = WordSearch(arrays.words, shown)
        self._last_scope: tuple[ContentFilter, Scope] | None = None

    @property
    def version(self) -> str:
        """A digest of every item."""
        return self._figures.version

    @property
    def vector_space(self) -> str:
        """The embedder of the items' vectors."""
        return self._figures.vector_space

    @property
    def columns(self) -> ContentColumns:
        """Every item, hidden ones too."""
        return self._columns

    def __len__(self) -> int:
        """Number of items, hidden ones too."""
        return self._figures.items

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`."""
        return {content.id: content for content in await self.rows(content_ids)}

    async def rows(self, content_ids: Sequence[str]) -> ContentRows:
        """The same in the order asked, each once."""
        return self._found(self._find(list(dict.fromkeys(content_ids))))

    async def inside(self, content_ids: Sequence[str], *, where: ContentFilter) -> ContentRows:
        """Those that a search may find, in the order asked, each once."""
        rows = self._find(list(dict.fromkeys(content_ids)))
        return self._found(self._scope(where).keep(rows[rows < self._figures.shown]))

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Nearest by cosine, ties by id; of large catalogues nearly all of the nearest."""
        if not len(self):
            return NOTHING
        return self._found(self._vectors.nearest(vector, limit, self._scope(where)))

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By the sum of tag weight times item weight; items without any stay out."""
        wanted: dict[int, float] = {}
        without = set(map(tag_key, where.without))
        for tag, weight in tags.items():
            number = self._columns.tags.vocabulary.get(tag_key(tag))
            # Nothing inside has a tag that is not to be there: its list need not be read.
            if number is not None and tag_key(tag) not in without:
                wanted[number] = wanted.get(number, 0.0) + weight
        return self._found(self._tags.best(wanted, limit, self._scope(where)))

    async def search_related(
        self, content_ids: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By the sum of item weight times relation weight."""
        rows = self._ids.find(list(content_ids))
        known = rows >= 0
        weights = np.array(list(content_ids.values()), dtype=np.float64)[known]
        scope = self._scope(where)
        return self._found(
            self._arrays.related.best(rows[known], weights, self._arrays.order, limit, scope)
        )

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Within the radius, nearest first, ties by id."""
        return self._found(self._geo.nearest(near, radius_m, limit, self._scope(where)))

    async def search_popular(self, *, limit: int, where: ContentFilter) -> ContentRows:
        """The most popular, ties by id."""
        return self._found(self._scope(where).first(self._arrays.popular, limit))

    async def search_text(self, query: str, *, limit: int, where: ContentFilter) -> ContentRows:
        """By the words of titles and texts, the last of which may be unfinished."""
        return self._found(self._words.best(query, limit, self._scope(where)))

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> ContentRows:
        """A draw that only `seed` decides."""
        scope, by_order, shown = self._scope(where), self._arrays.by_order, self._figures.shown
        if scope.rows is not None and len(scope.rows) * _SCARCE < shown:
            rows = scope.rows[np.argsort(self._arrays.order[scope.rows], kind="stable")]
            return self._found(rows[drawn(len(rows), limit, seed, lambda places: places)])

        def inside(places: Rows) -> Rows:
            rows = by_order[places]
            return places[(rows < shown) & ~scope.blocked[rows]]

        return self._found(by_order[drawn(len(by_order), limit, seed, inside)])

    async def pinned(self, *, where: ContentFilter) -> ContentRows:
        """Items that curators gave a rank, by that rank."""
        return self._found(self._scope(where).keep(self._arrays.pinned))

    async def together(self, groups: Sequence[str]) -> Mapping[str, ContentRows]:
        """The members of each group that exists."""
        found = self._arrays.groups.find(groups)
        return {name: self._found(rows) for name, rows in found.items()}

    def finds(self, rows: Rows, where: ContentFilter) -> Mask:
        """Whether a search may find each of the rows; -1 is none. Shape: (n,)."""
        known = (rows >= 0) & (rows < self._figures.shown)
        return known & ~self._scope(where).blocked[rows]

    def _find(self, content_ids: Sequence[str]) -> Rows:
        rows = self._ids.find(content_ids)
        return rows[rows >= 0]

    def _found(self, rows: Rows | Numbers) -> ContentRows:
        return ContentRows(self._columns, rows.astype(np.intp, copy=False))

    def _scope(self, where: ContentFilter) -> Scope:
        """The filter as rows: that of the last call again if it is the same object."""
        last = self._last_scope
        if last is None or last[0] is not where:
            last = (where, self._compiled(where))
            self._last_scope = last
        return last[1]

    def _compiled(self, where: ContentFilter) -> Scope:
        blocked = self._arrays.languages.foreign(where.language)
        if blocked is None:
            blocked = np.zeros(self._figures.items, dtype=np.bool_)
        inside = self._inside(where)
        if inside is not None:
            blocked |= ~inside
        for outside in self._outside(where):
            blocked[outside] = True
        return Scope.of(blocked, self._figures.shown, narrowed=inside is not None)

    def _outside(self, where: ContentFilter) -> Iterator[Rows | Numbers]:
        """Rows that are left out one by one."""
        yield self._find(list(where.exclude))
        if where.now_ms is not None:
            yield self._arrays.timed.closed(where.now_ms)
        for tag in where.without:
            yield self._having(tag_key(tag))

    def _inside(self, where: ContentFilter) -> Mask | None:
        """What the filter asks for; None where that is everything."""
        inside: Mask | None = None
        for choices in choices_by_facet(where.tags).values():
            having = self._mask(map(self._having, choices))
            inside = having if inside is None else inside & having
        if where.near is not None and where.radius_m is not None:
            close = self._mask([self._arrays.geo.within(where.near, where.radius_m)[0]])
            inside = close if inside is None else inside & close
        return inside

    def _having(self, tag: str) -> Rows | Numbers:
        """The shown rows with a tag in comparable form."""
        number = self._columns.tags.vocabulary.get(tag)
        return _NO_ROWS if number is None else self._arrays.tag_lists.rows_of(number)

    def _mask(self, lists: Iterable[Rows | Numbers]) -> Mask:
        mask = np.zeros(self._figures.items, dtype=np.bool_)
        for rows in lists:
            mask[rows] = True
        return mask
