"""What is asked of one collection: ids with what an order is computed from, and whole items."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

import msgspec
from qdrant_client import models

from adapters.qdrant import points
from adapters.qdrant.connection import NotThereError, Qdrant
from adapters.qdrant.payload import point_id
from core.content import Content, ContentFilter
from core.errors import RetryableError
from core.geo import GeoPoint, distance_m
from core.languages import language_key, languages_meet

_PAGE = 1000
_EXACT = models.SearchParams(exact=True)
"""A graph of neighbours would miss some, and not always the same."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A point with the part of its payload that was asked for."""

    content_id: str
    score: float
    """Of a query; of an ordered scroll the number it is ordered by."""
    payload: dict[str, Any]
    ours: bool
    """Whether its id is that of its item; others' points are none."""

    def inside(self, where: ContentFilter) -> bool:
        """Whether it is inside where Qdrant's filter lets more pass: by radius and language."""
        if not (self.ours and self._speaks(where.language)):
            return False
        if where.near is None or where.radius_m is None:
            return True
        return self.metres(where.near) <= where.radius_m

    def _speaks(self, wanted: str | None) -> bool:
        stated = str(self.payload.get("language") or "")
        return languages_meet(language_key(stated), language_key(wanted))

    def metres(self, near: GeoPoint) -> float:
        """How far away it is; without a place, or with rubbish for one, beyond everything."""
        try:
            return distance_m(near, msgspec.convert(self.payload.get("location"), GeoPoint))
        except msgspec.ValidationError:
            return inf


class Searching:
    """One collection, for as long as an edition of the catalogue is it."""

    def __init__(self, qdrant: Qdrant, name: str) -> None:
        """Nothing is asked yet."""
        self._qdrant = qdrant
        self._name = name

    async def nearest(
        self,
        query: list[float] | models.SparseVector,
        using: str,
        where: models.Filter,
        limit: int,
        fields: Sequence[str] = (),
    ) -> list[Found]:
        """The first so many by a product of vectors."""
        with self._replaced():
            answer = await self._qdrant.read(
                "searching vectors",
                lambda client: client.query_points(
                    self._name,
                    query=query,
                    using=using,
                    query_filter=where,
                    search_params=_EXACT,
                    limit=limit,
                    with_payload=_shown(fields),
                ),
            )
        return [_found(point, point.score) for point in answer.points]

    async def ordered(
        self, order: models.OrderBy, where: models.Filter, limit: int, fields: Sequence[str] = ()
    ) -> list[Found]:
        """The first so many by a field."""
        with self._replaced():
            page, _ = await self._qdrant.read(
                f"ordering by {order.key}",
                lambda client: client.scroll(
                    self._name, where, limit, order_by=order, with_payload=_shown(fields)
                ),
            )
        return [_found(point, point.order_value) for point in page]

    async def every(self, where: models.Filter, fields: Sequence[str] = ()) -> list[Found]:
        """All that fit, in no order."""
        found: list[Found] = []
        async for page in self._pages(where, fields):
            found += [_found(point, 0.0) for point in page]
        return found

    async def count(self, where: models.Filter) -> int:
        """How many fit."""
        with self._replaced():
            return await points.count(self._qdrant, self._name, where)

    async def whole(self, where: models.Filter) -> list[Content]:
        """All items that fit, with everything; for few."""
        with self._replaced():
            pages = points.pages(self._qdrant, self._name, vectors=True, where=where)
            return [stored.content async for page in pages for stored in page]

    async def items(self, content_ids: Sequence[str]) -> list[Content]:
        """The items that exist, in the order asked, each once."""
        with self._replaced():
            found = await points.found(self._qdrant, self._name, content_ids)
        return [stored.content for stored in found.values()]

    async def _pages(
        self, where: models.Filter, fields: Sequence[str]
    ) -> AsyncIterator[list[models.Record]]:
        offset: Any = None
        while True:
            with self._replaced():
                page, offset = await self._page(where, fields, offset)
            yield page
            if offset is None:
                return

    async def _page(
        self, where: models.Filter, fields: Sequence[str], offset: Any
    ) -> tuple[list[models.Record], Any]:
        return await self._qdrant.read(
            "listing items",
            lambda client: client.scroll(
                self._name, where, _PAGE, offset=offset, with_payload=_shown(fields)
            ),
        )

    @contextmanager
    def _replaced(self) -> Iterator[None]:
        try:
            yield
        except NotThereError as exc:
            raise RetryableError(f"the collection {self._name} was replaced") from exc


def _shown(fields: Sequence[str]) -> list[str]:
    return ["content_id", "location", "language", *fields]


def _found(point: models.Record | models.ScoredPoint, score: Any) -> Found:
    payload = point.payload or {}
    content_id = str(payload.get("content_id"))
    ours = point_id(content_id) == str(point.id)
    return Found(content_id=content_id, score=float(score), payload=payload, ours=ours)
