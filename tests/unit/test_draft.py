"""Reading a source: what is read again, and what is embedded again, when something changes."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from adapters.snapshot.binding import bind_snapshot
from adapters.snapshot.file import open_snapshot
from core.content import ContentRules
from core.errors import RetryableError
from core.vectors import to_grid
from ingest_worker.publishing.draft import Base, Draft, SourceReader
from tests.sources import SPACE, CountingEmbedder, Source, bare, item


def base_of(draft: Draft, base: Base | None, path: Path) -> Base:
    """The snapshot of a draft, as the base of the next."""
    bind_snapshot(path, draft.contents(base), draft.vector_space, None)
    return Base.read_as(open_snapshot(path), draft.digests)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "snapshot"


async def test_the_first_time_everything_is_read(path: Path) -> None:
    source = Source(item("b"), item("a"))
    draft = await SourceReader(source, CountingEmbedder()).read(None)
    assert not draft.is_like(None)
    assert [one.id for one in draft.contents(None)] == ["a", "b"]
    assert [one.id for one in draft.contents(None)[1:]] == ["b"]
    base = base_of(draft, None, path)
    again = await SourceReader(source, CountingEmbedder()).read(base)
    assert again.is_like(base)
    assert source.asked == ["a", "b"], "nothing is read again"


async def test_only_what_differs_is_read_again(path: Path) -> None:
    source = Source(*(item(name) for name in "abcd"))
    reader = SourceReader(source, CountingEmbedder())
    base = base_of(await reader.read(None), None, path)
    source.asked.clear()
    source.items["b"] = item("b", "another text", vector=(2, 1))
    source.items["c"] = replace(source.items["c"], rules=ContentRules(hidden=True))
    source.items["e"] = item("e")
    del source.items["a"]
    draft = await reader.read(base)
    assert source.asked == ["b", "c", "e"]
    assert draft.removed == 1
    contents = {one.id: one for one in draft.contents(base)}
    assert list(contents) == ["b", "c", "d", "e"]
    assert contents["b"].text == "another text"
    assert contents["b"].vector.tolist() == to_grid((2, 1)).tolist()
    assert contents["c"].rules.hidden
    assert contents["d"].vector.tolist() == to_grid((1, 2)).tolist()
    assert source.scans == [False, False]


async def test_a_removed_item_alone_makes_a_difference(path: Path) -> None:
    source = Source(item("a"), item("b"))
    reader = SourceReader(source, CountingEmbedder())
    base = base_of(await reader.read(None), None, path)
    del source.items["a"]
    draft = await reader.read(base)
    assert not draft.is_like(base)
    assert [one.id for one in draft.contents(base)] == ["b"]


async def test_a_snapshot_alone_tells_what_its_items_were(path: Path) -> None:
    source = Source(item("a"), item("b"))
    bind_snapshot(path, list(source.items.values()), SPACE, None)
    base = Base.of(open_snapshot(path))
    draft = await SourceReader(source, CountingEmbedder()).read(base)
    assert draft.is_like(base)
    assert source.asked == []


async def test_much_that_differs_is_read_in_one_pass() -> None:
    source = Source(*(item(f"item-{number}") for number in range(1001)))
    draft = await SourceReader(source, CountingEmbedder()).read(None)
    assert len(draft.contents(None)) == 1001
    assert source.asked == []
    assert source.scans == [False, True]


async def test_a_source_that_comes_whole_is_read_in_one_pass(path: Path) -> None:
    source, embedder = Source(item("a"), item("b"), item("c")), CountingEmbedder()
    reader = SourceReader(source, embedder, comes_whole=True)
    base = base_of(await reader.read(None), None, path)
    source.change(item("b", "new", vector=(2, 1)), bare(item("d")))
    draft = await reader.read(base)
    assert (source.asked, source.scans) == ([], [True, True])
    assert sorted(draft.changed) == ["b", "d"]
    assert [len(one.vector) for one in draft.contents(base)] == [2, 2, 2, 2]


async def test_an_item_without_a_vector_is_embedded_unless_its_text_is_as_it_was(
    path: Path,
) -> None:
    source, embedder = Source(item("a"), item("b")), CountingEmbedder()
    base = base_of(await SourceReader(source, embedder).read(None), None, path)
    shown = replace(bare(item("a")), popularity=3.0)
    source.items |= {"a": shown, "b": bare(item("b", "new text"))}
    source.sources |= {"a": "", "b": ""}  # a line that was edited by hand says nothing of it
    draft = await SourceReader(source, embedder).read(base)
    contents = {one.id: one for one in draft.contents(base)}
    assert embedder.texts == [source.items["b"].embedded_text()]
    assert contents["a"].vector.tolist() == to_grid((1, 2)).tolist()
    assert contents["a"].popularity == 3.0
    assert len(contents["b"].vector) == 2
    settled = base_of(draft, base, path)
    assert (await SourceReader(source, embedder).read(settled)).is_like(settled)


async def test_an_item_that_cannot_be_embedded_in_its_space_is_left_out(path: Path) -> None:
    source, embedder = Source(item("a"), item("b"), space="given-2"), CountingEmbedder()
    base = base_of(await SourceReader(source, embedder).read(None), None, path)
    source.items["c"] = bare(item("c"))
    draft = await SourceReader(source, embedder).read(base)
    assert draft.unusable == ("c",)
    assert draft.is_like(base), "there is nothing to publish"
    assert embedder.texts == []


async def test_another_space_takes_nothing_of_the_old_one(path: Path) -> None:
    source, embedder = Source(item("a")), CountingEmbedder()
    base = base_of(await SourceReader(source, embedder).read(None), None, path)
    source.space, source.items["a"] = "other-3", item("a", vector=(1, 2, 3))
    draft = await SourceReader(source, embedder).read(base)
    assert not draft.is_like(base)
    assert draft.vector_space == "other-3"
    assert [len(one.vector) for one in draft.contents(base)] == [3]


async def test_a_catalogue_that_is_replaced_while_it_is_read_is_read_anew() -> None:
    source = Source(item("a"))
    source.moves_to = "other-2"
    with pytest.raises(RetryableError, match="replaced"):
        await SourceReader(source, CountingEmbedder()).read(None)


async def test_an_item_that_goes_while_it_is_read_is_left_out() -> None:
    source = Source(item("a"), item("b"))
    source.going.add("b")
    draft = await SourceReader(source, CountingEmbedder()).read(None)
    assert [one.id for one in draft.contents(None)] == ["a"]


class TestAFileThatNamesNoSpace:
    async def test_its_vectors_are_taken_where_every_item_has_one(self, path: Path) -> None:
        source, embedder = Source(item("a"), item("b"), space=None), CountingEmbedder()
        draft = await SourceReader(source, embedder).read(None)
        assert draft.vector_space == "given-2"
        assert embedder.texts == []
        base = base_of(draft, None, path)
        source.items["b"] = item("b", vector=(2, 1))
        draft = await SourceReader(source, embedder).read(base)
        assert list(draft.changed) == ["b"], "its vector alone has changed"

    @pytest.mark.parametrize("odd", [(), (1.0, 2.0, 3.0)])
    async def test_otherwise_all_are_embedded_once(
        self, path: Path, odd: tuple[float, ...]
    ) -> None:
        source = Source(item("a"), item("b", vector=odd), space=None)
        embedder = CountingEmbedder()
        draft = await SourceReader(source, embedder).read(None)
        assert draft.vector_space == SPACE
        assert len(embedder.texts) == 2
        base = base_of(draft, None, path)
        assert (await SourceReader(source, embedder).read(base)).is_like(base)
        assert (await SourceReader(source, embedder).read(Base.of(base.snapshot))).is_like(base)
        source.items["a"] = item("a", "new")
        draft = await SourceReader(source, embedder).read(base)
        assert list(draft.changed) == ["a"]
        assert len(embedder.texts) == 3

    async def test_an_empty_one_has_no_items(self) -> None:
        draft = await SourceReader(Source(space=None), CountingEmbedder()).read(None)
        assert len(draft.contents(None)) == 0
