"""The importer: what is new, changed or gone, and nothing embedded that need not be."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.content import Content, ContentRules
from core.errors import RejectedError
from core.importing.importer import ContentImporter, ImportRow
from core.importing.plan import ImportPlan
from core.importing.writing import ImportOutcome
from core.vectors import to_grid
from tests.catalogues.repository import CountingEmbedder, MemoryRepository, state

COUNTING = "counting-4"


def row(content_id: str, text: str = "", **more: Any) -> ImportRow:
    says_hidden = more.pop("says_hidden", True)
    content = Content(id=content_id, title=content_id.title(), text=text, **more)
    return ImportRow(content=content, says_hidden=says_hidden)


def rows(content_ids: str, **more: Any) -> list[ImportRow]:
    return [row(content_id, **more) for content_id in content_ids]


class Import:
    """One repository and embedder, into which files are imported one after the other."""

    def __init__(self, embedder: CountingEmbedder | None = None) -> None:
        self.repository = MemoryRepository()
        self.embedder = embedder or CountingEmbedder()

    async def plan(self, file: Sequence[ImportRow], space: str | None = None) -> ImportPlan:
        return await self._importer(file, space).plan()

    async def run(
        self, file: Sequence[ImportRow], *, prune: bool = False, space: str | None = None
    ) -> ImportOutcome:
        self.embedder.texts.clear()
        importer = self._importer(file, space)
        return await importer.run(await importer.plan(), prune=prune, may_move=True, batch=2)

    def _importer(self, file: Sequence[ImportRow], space: str | None) -> ContentImporter:
        return ContentImporter(self.repository, self.embedder, lambda: iter(file), space)

    def item(self, content_id: str) -> Content:
        assert self.repository.served is not None
        return self.repository.spaces[self.repository.served].items[content_id].content


def counts(plan: ImportPlan) -> tuple[int, int, int, int]:
    return plan.new, plan.changed, plan.unchanged, plan.embeds


async def test_a_first_import_embeds_and_serves_everything() -> None:
    into = Import()
    plan = await into.plan(rows("abc"))
    assert counts(plan) == (3, 0, 0, 3)
    assert (plan.served_space, plan.vector_space, plan.dim) == (None, COUNTING, 4)
    assert into.repository.spaces == {}
    outcome = await into.run(rows("abc"))
    assert (outcome.written, outcome.embedded) == (3, 3)
    assert into.repository.served == COUNTING
    assert into.item("a").vector.tolist() == to_grid(into.embedder.embed(["A A  "])[0]).tolist()


async def test_the_same_file_again_changes_nothing() -> None:
    into = Import()
    await into.run(rows("abc"))
    before, mark = state(into.repository), await into.repository.mark()
    assert counts(await into.plan(rows("abc"))) == (0, 0, 3, 0)
    outcome = await into.run(rows("abc"))
    assert (outcome.written, outcome.unchanged, outcome.embedded) == (0, 3, 0)
    assert (state(into.repository), await into.repository.mark()) == (before, mark)


async def test_only_what_has_another_text_is_embedded_again() -> None:
    into = Import()
    await into.run(rows("abc"))
    vector = into.item("b").vector
    file = [row("a"), row("b", place="Elsewhere", popularity=2.0), row("c", "New text.")]
    assert counts(await into.plan(file)) == (0, 2, 1, 1)
    outcome = await into.run(file)
    assert (outcome.written, outcome.embedded, into.embedder.texts) == (2, 1, ["C C New text. "])
    assert into.item("b").place == "Elsewhere"
    assert into.item("b").vector.tolist() == vector.tolist()


async def test_what_the_file_has_no_more_is_reported_and_removed_only_when_asked() -> None:
    into = Import()
    await into.run(rows("abcd"))
    assert (await into.plan(rows("bc"))).removed == ("a", "d")
    assert (await into.run(rows("bc"))).removed == 0
    assert set(state(into.repository)) == {"", "a", "b", "c", "d"}
    assert (await into.run(rows("bc"), prune=True)).removed == 2
    assert set(state(into.repository)) == {"", "b", "c"}


async def test_vectors_that_come_with_all_items_are_taken() -> None:
    into = Import()
    file = [row("a", vector=to_grid([3, 4])), row("b", vector=to_grid([4, 3]))]
    plan = await into.plan(file)
    assert (plan.vector_space, plan.dim, plan.embeds, plan.is_mixed) == ("given-2", 2, 0, False)
    await into.run(file)
    assert into.embedder.texts == []
    assert into.item("a").vector.tolist() == [2400, 3200]
    file[0] = row("a", vector=to_grid([0, 1]))
    assert counts(await into.plan(file)) == (0, 1, 1, 0)
    await into.run(file)
    assert into.item("a").vector.tolist() == [0, 4000]


@pytest.mark.parametrize("other", [None, [1, 2, 3]])
async def test_of_mixed_vectors_none_is_taken(other: list[float] | None) -> None:
    into = Import()
    file = [row("a", vector=to_grid([3, 4])), row("b", vector=to_grid(other or []))]
    plan = await into.plan(file)
    assert (plan.is_mixed, plan.vector_space, plan.embeds) == (True, COUNTING, 2)
    await into.run(file)
    assert len(into.item("a").vector) == 4


async def test_a_file_may_say_of_which_space_its_vectors_are() -> None:
    into = Import()
    file = [row("a", vector=to_grid([3, 4])), row("b", vector=to_grid([4, 3]))]
    await into.run(file, space="sentences-2")
    assert into.repository.served == "sentences-2"
    # Of this embedder's own space, those that miss theirs are embedded.
    own = Import(CountingEmbedder("sentences", 2))
    plan = await own.plan([file[0], row("b")], space="sentences-2")
    assert (plan.vector_space, plan.embeds, plan.is_mixed) == ("sentences-2", 1, False)
    await own.run([file[0], row("b")], space="sentences-2")
    assert own.item("a").vector.tolist() == [2400, 3200]
    assert len(own.item("b").vector) == 2


async def test_vectors_of_a_space_are_those_of_its_embedder() -> None:
    """A catalogue that was exported with vectors comes back as the same one."""
    into = Import()
    await into.run(rows("ab"))
    exported = [row(one, vector=into.item(one).vector) for one in "ab"]
    assert counts(await into.plan(exported, space=COUNTING)) == (0, 0, 2, 0)


async def test_vectors_of_two_spaces_are_not_mixed_by_chance() -> None:
    into = Import()
    await into.run(rows("abc"))
    for embedder in (CountingEmbedder("better", 4), CountingEmbedder("counting", 3)):
        importer = ContentImporter(into.repository, embedder, lambda: iter(rows("abcd")))
        plan = await importer.plan()
        with pytest.raises(RejectedError, match=f"{COUNTING} and this import makes those of"):
            await importer.run(plan)
        assert embedder.texts == []
    assert set(state(into.repository)) == {"", "a", "b", "c"}


async def test_another_embedder_builds_another_catalogue_with_everything_in_it() -> None:
    into = Import()
    await into.run(rows("abc", says_hidden=False))
    into.embedder = CountingEmbedder("better", 3)
    plan = await into.plan(rows("ad"))
    assert plan.moves
    assert (plan.served_space, plan.vector_space) == (COUNTING, "better-3")
    assert counts(plan) == (2, 0, 0, 2)
    assert plan.removed == ("b", "c")
    outcome = await into.run(rows("ad"))
    assert (outcome.written, outcome.embedded, outcome.carried) == (4, 4, 2)
    assert into.repository.served == "better-3"
    assert list(into.repository.spaces) == ["better-3"]
    assert set(state(into.repository)) == {"", "a", "b", "c", "d"}
    assert {len(into.item(one).vector) for one in "abcd"} == {3}


async def test_another_embedder_and_pruning_leave_only_the_file() -> None:
    into = Import()
    await into.run(rows("abc"))
    into.embedder = CountingEmbedder("better", 3)
    outcome = await into.run(rows("a"), prune=True)
    assert (outcome.embedded, outcome.carried, outcome.removed) == (1, 0, 2)
    assert set(state(into.repository)) == {"", "a"}


async def test_items_that_nobody_can_embed_are_not_left_behind() -> None:
    into = Import()
    await into.run(rows("abc"))
    file = [row("a", vector=to_grid([3, 4]))]
    with pytest.raises(RejectedError, match="2 items are not in the file"):
        await into.run(file)
    assert into.repository.served == COUNTING
    await into.run(file, prune=True)
    assert into.repository.served == "given-2"


async def test_what_is_hidden_stays_so_where_the_file_says_nothing_of_it() -> None:
    into = Import()
    hidden = ContentRules(hidden=True, pinned=3)
    await into.run([row("a", rules=hidden), row("b", rules=hidden)])
    file = [row("a", says_hidden=False), row("b")]
    assert counts(await into.plan(file)) == (0, 2, 0, 0)
    await into.run(file)
    assert into.item("a").rules == ContentRules(hidden=True)
    assert into.item("b").rules == ContentRules()
    assert counts(await into.plan(file)) == (0, 0, 2, 0)


async def test_an_empty_file_is_refused_and_removes_nothing() -> None:
    into = Import()
    await into.run(rows("a"))
    with pytest.raises(RejectedError, match="no usable item"):
        await into.run([], prune=True)
    assert set(state(into.repository)) == {"", "a"}


async def test_progress_is_told_of_every_row() -> None:
    into = Import()
    told: list[int] = []
    importer = ContentImporter(into.repository, into.embedder, lambda: iter(rows("abcde")))
    await importer.run(await importer.plan(), batch=2, progress=told.append)
    assert told == [2, 2, 1]
