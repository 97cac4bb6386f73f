"""What every `ContentRepository` holds: items come back as written, and are served at commit."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import pytest

from core.content import Content, ContentRules
from core.errors import RejectedError
from core.geo import GeoPoint
from core.ports import ContentRepository, ContentWriter, ItemDigests, StoredContent
from core.vectors import to_grid
from tests.contract.catalogue import CATALOGUE, angle, item

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
    writer = await repository.open(vector_space=space, dim=3)
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


class TestContentRepository:
    async def test_there_is_no_catalogue_at_first(self, repository: ContentRepository) -> None:
        assert await repository.mark() == ""
        assert await repository.vector_space() is None
        assert await scanned(repository) == {}
        assert await repository.get(["a"]) == {}

    async def test_items_come_back_as_they_were_written(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, [*CATALOGUE, FULL])
        assert await repository.vector_space() == SPACE
        found = await scanned(repository)
        assert sorted(found) == sorted([one.id for one in CATALOGUE] + [FULL.id])
        for content in (*CATALOGUE, FULL):
            assert same(found[content.id], stored(content)), content.id
            assert found[content.id].content.digest() == content.digest()
        [full] = (await repository.get([FULL.id, "missing"])).values()
        assert same(full, stored(FULL))
        assert full.content.vector.dtype == np.float32

    async def test_a_scan_without_vectors_has_all_the_rest(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, [FULL])
        [found] = (await scanned(repository, vectors=False)).values()
        assert found.content.vector.size == 0
        assert found.digests == stored(FULL).digests

    async def test_numbers_keep_their_last_bit(self, repository: ContentRepository) -> None:
        numbers = np.random.default_rng(1).random((300, 3))
        contents = [
            msgspec.structs.replace(
                item(f"i-{n}", n), tags={"a:b": a}, popularity=b, position=GeoPoint(90 * c, 180 * a)
            )
            for n, (a, b, c) in enumerate(numbers.tolist())
        ]
        writer = await written(repository, contents)
        assert await writer.digests() == {one.id: stored(one).digests for one in contents}

    async def test_of_two_writes_of_an_item_the_later_one_stays(
        self, repository: ContentRepository
    ) -> None:
        writer = await written(repository, [item("a", 0), item("b", 0), item("a", 10)])
        await writer.upsert([stored(item("b", 20), "changed")])
        assert (await repository.get(["a"]))["a"].content.vector.tolist() == angle(10).tolist()
        assert same((await repository.get(["b"]))["b"], stored(item("b", 20), "changed"))

    async def test_a_replaced_item_keeps_nothing_of_the_former(
        self, repository: ContentRepository
    ) -> None:
        writer = await written(repository, [FULL])
        bare = Content(id=FULL.id, title="Bare", vector=angle(0))
        await writer.upsert([stored(bare)])
        assert same((await repository.get([FULL.id]))[FULL.id], stored(bare))

    async def test_deleted_items_are_gone(self, repository: ContentRepository) -> None:
        writer = await written(repository, CATALOGUE)
        await writer.delete(["a-near", "ü-😀", "missing"])
        await writer.delete([])
        left = sorted(one.id for one in CATALOGUE if one.id not in {"a-near", "ü-😀"})
        assert sorted(await scanned(repository)) == left
        assert sorted(await writer.digests()) == left
        assert await writer.get(["a-near"]) == {}

    async def test_a_writer_of_the_served_space_sees_what_is_served(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, CATALOGUE)
        writer = await repository.open(vector_space=SPACE, dim=3)
        assert await writer.digests() == {one.id: stored(one).digests for one in CATALOGUE}
        [found] = (await writer.get(["ü-😀"])).values()
        assert found.content.title == "Ü-😀"

    async def test_nothing_is_served_before_the_first_commit(
        self, repository: ContentRepository
    ) -> None:
        writer = await repository.open(vector_space=SPACE, dim=3)
        await writer.upsert([stored(one) for one in CATALOGUE])
        assert await repository.mark() == ""
        assert await repository.vector_space() is None
        assert await scanned(repository) == {}
        assert sorted(await writer.digests()) == sorted(one.id for one in CATALOGUE)

    async def test_another_space_is_written_beside_the_served_one(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, [item("old", 0)])
        before = await repository.mark()
        writer = await repository.open(vector_space=OTHER_SPACE, dim=2)
        assert await writer.digests() == {}
        short = msgspec.structs.replace(item("new", 0), vector=angle(0)[:2])
        await writer.upsert([stored(short)])
        assert await repository.mark() == before
        assert list(await scanned(repository)) == ["old"]
        await writer.commit()
        assert await repository.vector_space() == OTHER_SPACE
        assert await repository.mark() != before
        assert list(await scanned(repository)) == ["new"]

    async def test_a_stopped_writer_of_another_space_is_gone_on_with(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, [item("old", 0)])
        stopped = await repository.open(vector_space=OTHER_SPACE, dim=3)
        await stopped.upsert([stored(item("one", 0))])
        writer = await repository.open(vector_space=OTHER_SPACE, dim=3)
        assert list(await writer.digests()) == ["one"]
        await writer.upsert([stored(item("two", 0))])
        await writer.commit()
        assert sorted(await scanned(repository)) == ["one", "two"]

    async def test_a_space_that_was_replaced_starts_anew(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, [item("old", 0)])
        await written(repository, [item("new", 0)], OTHER_SPACE)
        writer = await repository.open(vector_space=SPACE, dim=3)
        assert await writer.digests() == {}

    async def test_vectors_of_another_length_never_mix(self, repository: ContentRepository) -> None:
        writer = await written(repository, [item("a", 0)])
        with pytest.raises(RejectedError, match="hashed-3"):
            await repository.open(vector_space=SPACE, dim=4)
        for vector in (angle(0)[:2], angle(0)[:0]):
            with pytest.raises(RejectedError, match="'b'"):
                await writer.upsert([stored(msgspec.structs.replace(item("b", 0), vector=vector))])
        assert list(await scanned(repository)) == ["a"]

    async def test_an_emptied_catalogue_is_one(self, repository: ContentRepository) -> None:
        writer = await written(repository, [item("a", 0)])
        before = await repository.mark()
        await writer.delete(["a"])
        assert await scanned(repository) == {}
        assert await repository.vector_space() == SPACE
        assert await repository.mark() not in {"", before}


WRITES: dict[str, Callable[[ContentWriter], object]] = {
    "a new item": lambda writer: writer.upsert([stored(item("new", 0))]),
    "a changed one": lambda writer: writer.upsert([stored(item("a-near", 90))]),
    "the same again": lambda writer: writer.upsert([stored(CATALOGUE[0])]),
    "the oldest deleted": lambda writer: writer.delete([CATALOGUE[0].id]),
    "the newest deleted": lambda writer: writer.delete([CATALOGUE[-1].id]),
}


class TestContentRepositoryMark:
    async def test_a_mark_stays_while_nothing_is_written(
        self, repository: ContentRepository
    ) -> None:
        writer = await written(repository, CATALOGUE)
        mark = await repository.mark()
        assert mark
        await scanned(repository)
        await writer.delete(["missing"])
        await repository.open(vector_space=OTHER_SPACE, dim=3)
        assert await repository.mark() == mark

    @pytest.mark.parametrize("write", WRITES)
    async def test_every_write_changes_the_mark(
        self, repository: ContentRepository, write: str
    ) -> None:
        writer = await written(repository, CATALOGUE[:1])
        await writer.upsert([stored(one) for one in CATALOGUE[1:]])
        before = await repository.mark()
        await WRITES[write](writer)  # type: ignore[misc]
        assert await repository.mark() != before

    async def test_marks_of_one_moment_differ(self, repository: ContentRepository) -> None:
        writer = await written(repository, CATALOGUE)
        marks = []
        for degrees in range(20):
            await writer.upsert([stored(item("a-near", degrees))])
            marks.append(await repository.mark())
        assert len(set(marks)) == 20

    async def test_a_later_writer_changes_it_too(self, repository: ContentRepository) -> None:
        await written(repository, CATALOGUE)
        before = await repository.mark()
        await written(repository, CATALOGUE[:1])
        assert await repository.mark() != before


class TestContentRepositorySize:
    async def test_thousands_of_items_come_back(self, repository: ContentRepository) -> None:
        contents = [item(f"i-{n:05}", n % 360, ["a:b"], north_km=n / 100) for n in range(3000)]
        writer = await written(repository, contents)
        assert len(await scanned(repository)) == 3000
        assert len(await writer.digests()) == 3000
        assert list(await repository.get([one.id for one in contents])) == [
            one.id for one in contents
        ]
        await writer.delete([one.id for one in contents[::2]])
        assert sorted(await scanned(repository)) == [one.id for one in contents[1::2]]
