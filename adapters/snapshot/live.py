"""`LiveContentStore`: the catalogue that is current, swapped while it is being read."""

from collections.abc import Mapping, Sequence

from core.columns import ContentRows
from core.content import Content, ContentFilter
from core.errors import NoCatalogueError
from core.geo import GeoPoint
from core.ports import ContentStore
from core.vectors import GridVector


class LiveContentStore:
    """A `ContentStore` over the edition that was swapped in last.

    A snapshot that is replaced is let go of: its mapping ends with the last
    answer that is made from it.
    """

    def __init__(self) -> None:
        """There is no catalogue yet."""
        self._store: ContentStore | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is a catalogue."""
        return self._store is not None

    def swap(self, store: ContentStore) -> None:
        """Serve this one from now on; answers that have begun keep theirs."""
        self._store = store

    def edition(self) -> ContentStore:
        """What is served at this moment. Raises: NoCatalogueError while there is nothing."""
        if self._store is None:
            raise NoCatalogueError("no catalogue yet")
        return self._store

    @property
    def version(self) -> str:
        """That of the edition."""
        return self.edition().version

    @property
    def vector_space(self) -> str:
        """That of the edition."""
        return self.edition().vector_space

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        """The items that exist among `content_ids`."""
        return await self.edition().get(content_ids)

    async def rows(self, content_ids: Sequence[str]) -> ContentRows:
        """The same in the order asked."""
        return await self.edition().rows(content_ids)

    async def inside(self, content_ids: Sequence[str], *, where: ContentFilter) -> ContentRows:
        """Those that a search may find, in the order asked."""
        return await self.edition().inside(content_ids, where=where)

    async def search_vector(
        self, vector: GridVector, *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Nearest by cosine."""
        return await self.edition().search_vector(vector, limit=limit, where=where)

    async def search_tags(
        self, tags: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By shared tags."""
        return await self.edition().search_tags(tags, limit=limit, where=where)

    async def search_related(
        self, content_ids: Mapping[str, float], *, limit: int, where: ContentFilter
    ) -> ContentRows:
        """By what the items name as related."""
        return await self.edition().search_related(content_ids, limit=limit, where=where)

    async def search_geo(
        self, near: GeoPoint, *, radius_m: float, limit: int, where: ContentFilter
    ) -> ContentRows:
        """Within a radius."""
        return await self.edition().search_geo(near, radius_m=radius_m, limit=limit, where=where)

    async def search_popular(self, *, limit: int, where: ContentFilter) -> ContentRows:
        """The most popular."""
        return await self.edition().search_popular(limit=limit, where=where)

    async def search_text(self, query: str, *, limit: int, where: ContentFilter) -> ContentRows:
        """By words."""
        return await self.edition().search_text(query, limit=limit, where=where)

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> ContentRows:
        """A draw that `seed` decides."""
        return await self.edition().sample(limit=limit, seed=seed, where=where)

    async def pinned(self, *, where: ContentFilter) -> ContentRows:
        """Items with a rank of their own."""
        return await self.edition().pinned(where=where)

    async def together(self, groups: Sequence[str]) -> Mapping[str, ContentRows]:
        """The members of groups."""
        return await self.edition().together(groups)
