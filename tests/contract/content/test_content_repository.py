"""What every `ContentRepository` holds: items come back as written, and are served at commit."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from core.content import Content
from core.errors import RejectedError
from core.geo import GeoPoint
from core.ports import ContentRepository, ContentWriter
from tests.contract.content.catalogue import CATALOGUE, angle, item
from tests.contract.content.written import FULL, OTHER_SPACE, SPACE, same, scanned, stored, written


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
        await writer.commit()
        assert (await repository.get(["a"]))["a"].content.vector.tolist() == angle(10).tolist()
        assert same((await repository.get(["b"]))["b"], stored(item("b", 20), "changed"))

    async def test_a_replaced_item_keeps_nothing_of_the_former(
        self, repository: ContentRepository
    ) -> None:
        writer = await written(repository, [FULL])
        bare = Content(id=FULL.id, title="Bare", vector=angle(0))
        await writer.upsert([stored(bare)])
        await writer.commit()
        assert same((await repository.get([FULL.id]))[FULL.id], stored(bare))

    async def test_deleted_items_are_gone(self, repository: ContentRepository) -> None:
        writer = await written(repository, CATALOGUE)
        await writer.delete(["a-near", "ü-😀", "missing"])
        await writer.delete([])
        await writer.commit()
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

    async def test_what_a_stopped_writer_wrote_is_there_for_the_next(
        self, repository: ContentRepository
    ) -> None:
        await written(repository, [item("a", 0)])
        stopped = await repository.open(vector_space=SPACE, dim=3)
        await stopped.upsert([stored(item("b", 0)), stored(item("c", 0)), stored(item("a", 10))])
        await stopped.delete(["c"])
        writer = await repository.open(vector_space=SPACE, dim=3)
        assert await writer.digests() == {
            "a": stored(item("a", 10)).digests,
            "b": stored(item("b", 0)).digests,
        }
        assert same((await writer.get(["a"]))["a"], stored(item("a", 10)))
        await writer.commit()
        assert sorted(await scanned(repository)) == ["a", "b"]

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
        await writer.commit()
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
        await writer.commit()
        await repository.open(vector_space=OTHER_SPACE, dim=3)
        assert await repository.mark() == mark

    @pytest.mark.parametrize("write", WRITES)
    async def test_every_write_changes_the_mark(
        self, repository: ContentRepository, write: str
    ) -> None:
        writer = await written(repository, CATALOGUE[:1])
        await writer.upsert([stored(one) for one in CATALOGUE[1:]])
        await writer.commit()
        before = await repository.mark()
        await WRITES[write](writer)  # type: ignore[misc]
        await writer.commit()
        assert await repository.mark() != before

    async def test_marks_of_one_moment_differ(self, repository: ContentRepository) -> None:
        writer = await written(repository, CATALOGUE)
        marks = []
        for degrees in range(20):
            await writer.upsert([stored(item("a-near", degrees))])
            await writer.commit()
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
        await writer.commit()
        assert sorted(await scanned(repository)) == [one.id for one in contents[1::2]]
