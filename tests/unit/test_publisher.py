"""The publisher: what it publishes and when, and what it rather does not."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from core.content import ContentRules
from core.errors import RetryableError
from tests.publishers import Desk, nothing
from tests.sources import bare, item


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "folder", item("a"), item("b"))


async def test_a_source_is_published_once_until_it_changes(desk: Desk) -> None:
    assert await desk.publisher.round()
    assert list(await desk.served()) == ["a", "b"]
    for _ in range(3):
        assert not await desk.publisher.round()
    desk.source.change(item("b", "new"), item("c"))
    assert await desk.publisher.round()
    served = await desk.served()
    assert list(served) == ["a", "b", "c"]
    assert served["b"].text == "new"
    assert len(desk.shelf.published) == 2


async def test_an_edit_by_other_hands_is_found_by_looking_at_every_item(desk: Desk) -> None:
    await desk.publisher.round()
    hidden = replace(item("a"), text="hidden", rules=ContentRules(hidden=True))
    desk.source.items["a"] = hidden  # the mark stays as it was
    desk.clock.now_s += 1
    assert await desk.publisher.round()
    assert (await desk.served())["a"].text == "hidden"
    del desk.source.items["b"]
    desk.clock.now_s += 1
    assert await desk.publisher.round()
    assert list(await desk.served()) == ["a"]


async def test_looking_at_every_item_takes_a_tenth_of_the_time(desk: Desk) -> None:
    desk.source.on_scan = lambda: setattr(desk.clock, "now_s", desk.clock.now_s + 2.0)
    for _ in range(1000):
        await desk.publisher.round()
        desk.clock.now_s += 0.5
    assert len(desk.source.scans) == pytest.approx(500 / 18, abs=2)


async def test_a_source_whose_mark_tells_all_is_not_looked_at_without_a_reason(
    desk: Desk,
) -> None:
    publisher = desk.another(mark_tells_all=True)
    for _ in range(9):
        await publisher.round()
        desk.clock.now_s += 1000
    assert len(desk.source.scans) == 1


async def test_what_the_shelf_has_lost_comes_back(desk: Desk) -> None:
    await desk.publisher.round()
    version = await desk.shelf.current()
    desk.shelf.flush()
    assert await desk.publisher.round()
    assert await desk.shelf.current() == version
    assert len(desk.source.asked) == 2, "nothing is read again"


async def test_what_the_shelf_has_lost_comes_back_even_without_the_source(desk: Desk) -> None:
    await desk.publisher.round()
    version = await desk.shelf.current()
    desk.shelf.flush()
    desk.source.is_away = True
    with pytest.raises(RetryableError):
        await desk.publisher.round()
    assert await desk.shelf.current() == version


async def test_what_the_shelf_and_this_machine_have_lost_comes_back(desk: Desk) -> None:
    await desk.publisher.round()
    version = await desk.shelf.current()
    desk.shelf.flush()
    for path in desk.folder.iterdir():
        path.unlink()
    assert await desk.publisher.round()
    assert await desk.shelf.current() == version
    assert list(await desk.served()) == ["a", "b"]


async def test_the_shelf_is_made_sure_to_be_whole_now_and_then(desk: Desk) -> None:
    for _ in range(10):
        await desk.publisher.round()
        desk.clock.now_s += 100
    assert len(desk.shelf.published) == 4
    assert len(set(desk.shelf.published)) == 1


async def test_an_older_look_does_not_take_over(desk: Desk) -> None:
    """This publisher was held up before it read; another has published meanwhile."""
    other = Desk(desk.folder, item("z"))
    other.shelf = desk.shelf
    later = other.another()
    desk.source.before_mark = [nothing, later.round]
    assert not await desk.publisher.round()
    assert list(await desk.served()) == ["z"]


async def test_a_change_while_the_shelf_is_put_back_is_not_lost(desk: Desk) -> None:
    publisher = desk.another(mark_tells_all=True)
    await publisher.round()
    desk.shelf.flush()

    async def change() -> None:
        desk.source.change(item("c"))

    desk.source.before_mark = [nothing, change]
    assert not await publisher.round(), "the source is not as it was"
    assert await publisher.round()
    assert list(await desk.served()) == ["a", "b", "c"]


@pytest.mark.parametrize("accident", ["emptied", "gone"])
async def test_a_source_that_has_lost_everything_is_not_believed(desk: Desk, accident: str) -> None:
    await desk.publisher.round()
    desk.source.items.clear()
    desk.source.marked = "" if accident == "gone" else "emptied"
    for _ in range(3):
        assert not await desk.publisher.round()
        desk.clock.now_s += 10
    assert list(await desk.served()) == ["a", "b"]
    desk.shelf.flush()
    assert await desk.publisher.round(), "the last good one is looked after"
    assert list(await desk.served()) == ["a", "b"]


async def test_one_may_insist_on_an_empty_catalogue(desk: Desk) -> None:
    await desk.publisher.round()
    desk.source.items.clear()
    desk.source.marked = "emptied"
    assert await desk.another(may_be_empty=True).round()
    assert await desk.served() == {}


async def test_before_there_is_a_catalogue_nothing_is_published(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert not await desk.publisher.round()
    desk.source.marked = ""
    assert not await desk.publisher.round()
    assert desk.shelf.published == []
    desk.source.change(item("a"))
    assert await desk.publisher.round()


async def test_a_source_that_is_away_changes_nothing(desk: Desk) -> None:
    await desk.publisher.round()
    desk.source.is_away = True
    with pytest.raises(RetryableError):
        await desk.publisher.round()
    desk.source.is_away = False
    desk.source.change(item("c"))
    assert await desk.publisher.round()
    assert list(await desk.served()) == ["a", "b", "c"]


async def test_a_full_disk_is_tried_again(desk: Desk) -> None:
    await desk.publisher.round()
    desk.source.change(item("c"))
    desk.disk_is_full = True
    with pytest.raises(OSError, match="No space"):
        await desk.publisher.round()
    assert list(await desk.served()) == ["a", "b"]
    assert not list(desk.folder.glob("*.part"))
    desk.disk_is_full = False
    assert await desk.publisher.round()
    assert list(await desk.served()) == ["a", "b", "c"]


class TestANewStart:
    async def test_it_goes_on_from_what_is_published(self, desk: Desk) -> None:
        await desk.publisher.round()
        desk.source.asked.clear()
        again = desk.another()
        await again.adopt()
        desk.source.change(item("b", "new"))
        assert await again.round()
        assert desk.source.asked == ["b"]
        assert (await desk.served())["b"].text == "new"

    async def test_nothing_is_embedded_again(self, tmp_path: Path) -> None:
        desk = Desk(tmp_path / "folder", bare(item("a")), bare(item("b")))
        desk.source.space = None
        await desk.publisher.round()
        assert len(desk.embedder.texts) == 2
        again = desk.another()
        await again.adopt()
        desk.source.change(bare(item("c")))
        assert await again.round()
        assert len(desk.embedder.texts) == 3

    async def test_a_damaged_file_of_this_machine_is_fetched(self, desk: Desk) -> None:
        await desk.publisher.round()
        for path in desk.folder.iterdir():
            path.write_bytes(b"")
        desk.source.asked.clear()
        again = desk.another()
        await again.adopt()
        await again.round()
        assert desk.source.asked == []

    async def test_after_a_flushed_redis_it_goes_on_from_what_this_machine_has(
        self, desk: Desk
    ) -> None:
        await desk.publisher.round()
        version = await desk.shelf.current()
        desk.shelf.flush()
        desk.source.asked.clear()
        again = desk.another()
        await again.adopt()
        assert await again.round()
        assert await desk.shelf.current() == version
        assert desk.source.asked == []

    async def test_with_nothing_to_go_on_it_begins_anew(self, desk: Desk) -> None:
        desk.folder.mkdir()
        (desk.folder / "x.snapshot").write_bytes(b"")
        again = desk.another()
        await again.adopt()
        assert again.snapshot is None
        assert await again.round()
        assert list(await desk.served()) == ["a", "b"]
