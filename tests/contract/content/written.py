"""Catalogues to write into a repository and to read back, in which every field is used."""

from collections.abc import Sequence

import msgspec
import numpy as np

from core.content import Content, ContentRules
from core.geo import GeoPoint
from core.ports import ContentRepository, ContentWriter, ItemDigests, StoredContent
from core.vectors import to_grid
from tests.contract.content.catalogue import angle

SPACE, OTHER_SPACE = "hashed-3", "sentences-3"
FULL = Content(
    id='ü-😀 "/\\.\u2028\u0000',
    title="Łódź · 東京 \t",
    text="Zeile\nZeile 'zwei' \u202e",
    tags={"theme:Résistance": 1 / 3, "a.b[0]:c": 0.1, "theme:resistance": 1.0},
    position=GeoPoint(-0.1 - 0.2, 179.99999999999997),
    image="https://example.org/?a=b&c=ü",
    place="Paris",
    date="1944",
    language="fr",
    popularity=1234567.8912345678,
    related={"b": 0.7, "ü": 2 / 3},
    rules=ContentRules(
        hidden=True,
        valid_from_ms=1_764_000_000_001,
        valid_until_ms=1_764_000_000_002,
        pinned=3,
        apart=("tram", "ü"),
        together="pair",
    ),
    vector=to_grid([0.6, -0.8, 1e-3]),
)


def stored(content: Content, source: str = "source") -> StoredContent:
    return StoredContent(content=content, digests=ItemDigests(item=content.digest(), source=source))


async def written(
    repository: ContentRepository, contents: Sequence[Content], space: str = SPACE
) -> ContentWriter:
    """A writer that wrote these and has them served."""
    dim = contents[0].vector.size if contents else 3
    writer = await repository.open(vector_space=space, dim=dim)
    await writer.upsert([stored(content) for content in contents])
    await writer.commit()
    return writer


async def scanned(
    repository: ContentRepository, *, vectors: bool = True
) -> dict[str, StoredContent]:
    pages = [page async for page in repository.scan(vectors=vectors)]
    items = [one for page in pages for one in page]
    by_id = {one.content.id: one for one in items}
    assert len(items) == len(by_id), "an item came twice"
    return by_id


def same(one: StoredContent, other: StoredContent) -> bool:
    """Structs compare their vectors, which numpy will not answer with a bool."""
    bare = [msgspec.structs.replace(each.content, vector=angle(0)[:0]) for each in (one, other)]
    return (
        one.digests == other.digests
        and msgspec.to_builtins(bare[0].as_record()) == msgspec.to_builtins(bare[1].as_record())
        and np.array_equal(one.content.vector, other.content.vector)
    )
