"""What import and snapshots rely on, whichever repository holds the catalogue."""

from core.content import Content
from tests.contract.repositories import (
    FULL,
    OTHER_SPACE,
    SPACE,
    OpenRepository,
    comparable,
    everything,
    plain,
    plain_other,
    save,
    stored,
)


async def stop_after_writing(
    open_repository: OpenRepository, content_ids: str, space: str = SPACE
) -> None:
    """An import that ends before its commit."""
    writer = await open_repository().open(vector_space=space, dim=int(space[-1]))
    make = plain if space == SPACE else plain_other
    await writer.upsert([make(content_id) for content_id in content_ids])


async def test_before_the_first_import_there_is_nothing(open_repository: OpenRepository) -> None:
    repository = open_repository()
    assert await repository.mark() == ""
    assert await repository.vector_space() is None
    assert await everything(repository) == {}
    assert await repository.get(["a"]) == {}


async def test_every_field_comes_back_as_it_was_written(open_repository: OpenRepository) -> None:
    items = [stored(FULL, 1, 2, 3), plain("b")]
    await save(open_repository(), items)
    found = await everything(open_repository())
    asked = await open_repository().get([FULL.id, "b", "nobody"])
    assert await open_repository().vector_space() == SPACE
    assert set(found) == set(asked) == {FULL.id, "b"}
    for item in items:
        assert comparable(found[item.content.id]) == comparable(item)
        assert comparable(asked[item.content.id]) == comparable(item)


async def test_a_scan_without_vectors_has_all_the_rest(open_repository: OpenRepository) -> None:
    await save(open_repository(), [stored(FULL, 1, 2, 3)])
    found = await everything(open_repository(), vectors=False)
    assert comparable(found[FULL.id]) == comparable(stored(FULL))


async def test_items_are_replaced_and_removed_and_unknown_ones_no_error(
    open_repository: OpenRepository,
) -> None:
    await save(open_repository(), [plain("a"), plain("b"), plain("c")])
    await save(open_repository(), [plain("b", "new")], deleted=["c", "nobody"])
    found = await everything(open_repository())
    assert {content_id: one.content.text for content_id, one in found.items()} == {
        "a": "",
        "b": "new",
    }
    await save(open_repository(), [plain("c", "again")])
    assert set(await everything(open_repository())) == {"a", "b", "c"}


async def test_a_writer_sees_what_is_served_and_what_it_has_written(
    open_repository: OpenRepository,
) -> None:
    await save(open_repository(), [plain("a"), plain("b")])
    writer = await open_repository().open(vector_space=SPACE, dim=3)
    await writer.upsert([plain("c"), plain("a", "new")])
    await writer.delete(["b"])
    assert await writer.digests() == {
        "a": plain("a", "new").digests,
        "c": plain("c").digests,
    }
    found = await writer.get(["a", "b", "c"])
    assert set(found) == {"a", "c"}
    assert comparable(found["a"]) == comparable(plain("a", "new"))


async def test_what_a_stopped_import_wrote_is_there_for_the_next(
    open_repository: OpenRepository,
) -> None:
    await save(open_repository(), [plain("a")])
    await stop_after_writing(open_repository, "bc")
    writer = await open_repository().open(vector_space=SPACE, dim=3)
    assert set(await writer.digests()) == {"a", "b", "c"}
    await writer.delete(["b"])
    await writer.commit()
    assert set(await everything(open_repository())) == {"a", "c"}


async def test_a_catalogue_of_another_space_is_built_beside_and_swapped(
    open_repository: OpenRepository,
) -> None:
    await save(open_repository(), [plain("a"), plain("b")])
    await stop_after_writing(open_repository, "xy", OTHER_SPACE)
    assert set(await everything(open_repository())) == {"a", "b"}
    assert await open_repository().vector_space() == SPACE
    writer = await open_repository().open(vector_space=OTHER_SPACE, dim=2)
    assert set(await writer.digests()) == {"x", "y"}
    assert comparable((await writer.get(["x"]))["x"]) == comparable(plain_other("x"))
    await writer.upsert([plain_other("z")])
    assert set(await everything(open_repository())) == {"a", "b"}
    await writer.commit()
    assert await open_repository().vector_space() == OTHER_SPACE
    assert set(await everything(open_repository())) == {"x", "y", "z"}


async def test_the_replaced_catalogue_is_gone(open_repository: OpenRepository) -> None:
    await save(open_repository(), [plain("a")])
    await save(open_repository(), [plain_other("x")], space=OTHER_SPACE)
    writer = await open_repository().open(vector_space=SPACE, dim=3)
    assert await writer.digests() == {}


async def test_the_mark_changes_with_what_is_served_and_with_nothing_else(
    open_repository: OpenRepository,
) -> None:
    marks = [await open_repository().mark()]
    for items, deleted in (([plain("a"), plain("b")], []), ([plain("b", "new")], []), ([], ["a"])):
        await save(open_repository(), items, deleted)
        marks.append(await open_repository().mark())
        assert await open_repository().mark() == marks[-1]
    await save(open_repository(), [plain_other("b")], space=OTHER_SPACE)
    marks.append(await open_repository().mark())
    assert len(set(marks)) == 5
    writer = await open_repository().open(vector_space=OTHER_SPACE, dim=2)
    await writer.commit()
    assert await open_repository().mark() == marks[-1]


async def test_many_items_are_scanned_once_each_in_pages(open_repository: OpenRepository) -> None:
    items = [plain(f"item-{number:05}", f"text {number}") for number in range(3000)]
    writer = await open_repository().open(vector_space=SPACE, dim=3)
    for start in range(0, len(items), 500):
        await writer.upsert(items[start : start + 500])
    await writer.commit()
    pages = [page async for page in open_repository().scan(vectors=True)]
    assert len(pages) > 1
    found = {one.content.id: one for page in pages for one in page}
    assert sum(map(len, pages)) == len(found) == 3000
    assert found["item-02999"].content.text == "text 2999"


async def test_an_item_without_words_or_tags_is_no_special_case(
    open_repository: OpenRepository,
) -> None:
    bare = stored(Content(id="bare", title="-"), 0, 0, 0)
    await save(open_repository(), [bare])
    assert comparable((await everything(open_repository()))["bare"]) == comparable(bare)
