"""Catalogues to write and to read back, in which every field is used."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from core.content import Content, ContentRules
from core.digests import digests_of
from core.geo import GeoPoint
from core.ports import ContentRepository, StoredContent
from core.vectors import to_grid

OpenRepository = Callable[[], ContentRepository]
"""Opens the same catalogue as another process would."""

SPACE = "model-a-3"
OTHER_SPACE = "model-b-2"
FULL = Content(
    id="ü-😀/1",
    title="Łódź",
    text="Ein Satz.\nUnd\u2028noch \x7f einer.",
    tags={"theme:Résistance": 0.5, "city:Łódź": 1.0},
    position=GeoPoint(52.1234567, -0.1),
    image="https://example.org/1.jpg",
    place="Łódź, Polska",
    date="1942",
    language="pl",
    popularity=3.25,
    related={"b": 0.5, "c": 1.0},
    rules=ContentRules(
        hidden=True,
        valid_from_ms=1_764_000_000_001,
        valid_until_ms=1_764_000_000_999,
        pinned=2,
        apart=("x", "y"),
        together="pair",
    ),
)


def stored(content: Content, *numbers: float, space: str = SPACE) -> StoredContent:
    """The item with that vector."""
    given = Content(**{name: getattr(content, name) for name in FIELDS}, vector=to_grid(numbers))
    return StoredContent(content=given, digests=digests_of(given, space))


FIELDS = tuple(
    name for name in Content.__struct_fields__ if name not in ("vector", "words", "keyed_tags")
)


def plain(content_id: str, text: str = "") -> StoredContent:
    """An item of which only the id and the text matter."""
    return stored(Content(id=content_id, title=content_id, text=text), 3, 4, 0)


def plain_other(content_id: str) -> StoredContent:
    """The same, of the other space."""
    return stored(Content(id=content_id, title=content_id), 4, 3, space=OTHER_SPACE)


async def save(
    repository: ContentRepository,
    items: Iterable[StoredContent] = (),
    deleted: Sequence[str] = (),
    space: str = SPACE,
) -> None:
    """Write, delete and commit."""
    writer = await repository.open(vector_space=space, dim=int(space[-1]))
    await writer.upsert(list(items))
    await writer.delete(deleted)
    await writer.commit()


async def everything(
    repository: ContentRepository, *, vectors: bool = True
) -> Mapping[str, StoredContent]:
    """All that is served."""
    found = [one async for page in repository.scan(vectors=vectors) for one in page]
    assert len({one.content.id for one in found}) == len(found)
    return {one.content.id: one for one in found}


def comparable(item: StoredContent) -> tuple[object, ...]:
    """All of an item, its vector as a list of numbers."""
    content = item.content
    fields = tuple(getattr(content, name) for name in FIELDS)
    return (*fields, content.vector.tolist(), item.digests)
