"""Reading and writing the points of one collection, in pages and batches."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import msgspec
import structlog
from qdrant_client import models

from adapters.qdrant.connection import NotThereError, Qdrant
from adapters.qdrant.payload import DENSE, point_id, stored_of
from core.errors import RetryableError
from core.log_names import ITEM_UNREADABLE
from core.ports import StoredContent

_log = structlog.get_logger()
_PAGE = 500
_IDS = 1000
_BATCH = 256
_BATCH_CHARS = 4_000_000
"""A server takes 32 MB in one request unless it is told otherwise."""
_CHARS_A_NUMBER = 6


async def pages(
    qdrant: Qdrant, name: str, *, vectors: bool, where: models.Filter | None = None
) -> AsyncIterator[Sequence[StoredContent]]:
    """Every item that fits, in pages in the order of the points.

    Raises: RetryableError where the collection is removed meanwhile.
    """
    offset: models.ExtendedPointId | None = None
    while True:
        try:
            points, following = await _page(qdrant, name, where, offset, vectors=vectors)
        except NotThereError as exc:
            raise RetryableError(f"the collection {name} was replaced while it was read") from exc
        yield readable(points)
        if following is None:
            return
        offset = following


async def found(
    qdrant: Qdrant, name: str, content_ids: Sequence[str]
) -> Mapping[str, StoredContent]:
    """The items that exist among `content_ids`, with their vectors, in the order asked."""
    there: dict[str, StoredContent] = {}
    for some in _parts(list(dict.fromkeys(content_ids)), _PAGE):
        points = await _retrieve(qdrant, name, [point_id(one) for one in some])
        there |= {stored.content.id: stored for stored in readable(points)}
    return {content_id: there[content_id] for content_id in content_ids if content_id in there}


async def write(qdrant: Qdrant, name: str, points: Sequence[models.PointStruct]) -> None:
    """Add or replace points, in batches."""
    for batch in _batches(points):
        await _upsert(qdrant, name, batch)


async def delete(qdrant: Qdrant, name: str, content_ids: Sequence[str]) -> None:
    """Remove items; unknown ids are no error."""
    for some in _parts(content_ids, _IDS):
        await _delete(qdrant, name, [point_id(one) for one in some])


async def newest_ms(qdrant: Qdrant, name: str) -> int:
    """When the last item that is there was written, 0 of an empty collection."""
    newest = models.OrderBy(key="changed_ms", direction=models.Direction.DESC)
    points, _ = await qdrant.read(
        "looking for the newest item",
        lambda c: c.scroll(name, limit=1, order_by=newest, with_payload=["changed_ms"]),
    )
    return int(points[0].payload["changed_ms"]) if points and points[0].payload else 0


async def count(qdrant: Qdrant, name: str, where: models.Filter | None = None) -> int:
    """How many points there are, exactly."""
    answer = await qdrant.read("counting items", lambda c: c.count(name, where, exact=True))
    return answer.count


def readable(points: Sequence[models.Record]) -> list[StoredContent]:
    """The items of the points; what other hands wrote wrongly is logged and left out."""
    items = []
    for point in points:
        try:
            items.append(stored_of(point))
        except (ValueError, msgspec.ValidationError) as exc:
            _log.warning(ITEM_UNREADABLE, point=str(point.id), problem=str(exc))
    return items


async def _page(
    qdrant: Qdrant,
    name: str,
    where: models.Filter | None,
    offset: models.ExtendedPointId | None,
    *,
    vectors: bool,
) -> tuple[list[models.Record], models.ExtendedPointId | None]:
    points, following = await qdrant.read(
        "reading the catalogue",
        lambda c: c.scroll(
            name, where, _PAGE, offset=offset, with_vectors=[DENSE] if vectors else False
        ),
    )
    return points, following


async def _retrieve(qdrant: Qdrant, name: str, ids: list[str]) -> list[models.Record]:
    return await qdrant.read(
        "reading items", lambda c: c.retrieve(name, ids, with_payload=True, with_vectors=[DENSE])
    )


async def _upsert(qdrant: Qdrant, name: str, batch: list[models.PointStruct]) -> None:
    await qdrant.write("writing items", lambda c: c.upsert(name, batch, wait=True))


async def _delete(qdrant: Qdrant, name: str, ids: list[str]) -> None:
    selector = models.PointIdsList(points=list(ids))
    await qdrant.write("removing items", lambda c: c.delete(name, selector, wait=True))


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))


def _batches(points: Sequence[models.PointStruct]) -> Iterator[list[models.PointStruct]]:
    """Of bounded number and length; one point alone may be longer."""
    batch: list[models.PointStruct] = []
    length = 0
    for point in points:
        longer = _length(point)
        if batch and (len(batch) == _BATCH or length + longer > _BATCH_CHARS):
            yield batch
            batch, length = [], 0
        batch.append(point)
        length += longer
    if batch:
        yield batch


def _length(point: models.PointStruct) -> int:
    """About the characters of its JSON."""
    payload = point.payload or {}
    vector = point.vector[DENSE] if isinstance(point.vector, dict) else ()
    numbers = len(vector) if isinstance(vector, list) else 0
    return _CHARS_A_NUMBER * numbers + sum(len(str(value)) for value in payload.values())
