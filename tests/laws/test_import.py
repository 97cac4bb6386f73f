"""Laws of the import: kills, repetitions and earlier imports leave no trace."""

from collections.abc import Sequence
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from core.content import Content, ContentRules
from core.importing.importer import ContentImporter, ImportRow
from tests.catalogues.repository import CountingEmbedder, KilledError, MemoryRepository, state

BATCH = 2


def row(
    content_id: str, text: str, popularity: float, *, hidden: bool, says_hidden: bool
) -> ImportRow:
    content = Content(
        id=content_id,
        title=content_id,
        text=text,
        popularity=popularity,
        rules=ContentRules(hidden=hidden and says_hidden),
    )
    return ImportRow(content=content, says_hidden=says_hidden)


ROWS = st.builds(
    row,
    st.sampled_from("abcdefgh"),
    st.sampled_from(["", "one", "two"]),
    st.sampled_from([0.0, 1.0]),
    hidden=st.booleans(),
    says_hidden=st.booleans(),
)
FILES = st.lists(ROWS, min_size=1, max_size=8, unique_by=lambda one: one.content.id)
EMBEDDERS = st.sampled_from(["first", "second"])


async def bring(
    repository: MemoryRepository,
    file: Sequence[ImportRow],
    embedder: CountingEmbedder,
    *,
    prune: bool = False,
    batch: int = BATCH,
) -> None:
    """Import the file."""
    importer = ContentImporter(repository, embedder, lambda: iter(file))
    await importer.run(await importer.plan(), prune=prune, may_move=True, batch=batch)


async def imported(file: Sequence[ImportRow]) -> MemoryRepository:
    """A repository that holds the file."""
    repository = MemoryRepository()
    await bring(repository, file, CountingEmbedder("first"))
    return repository


@given(
    before=FILES,
    file=FILES,
    name=EMBEDDERS,
    prune=st.booleans(),
    kills=st.lists(st.integers(0, 6), max_size=4),
)
@settings(deadline=None)
async def test_however_often_an_import_is_killed_it_ends_as_one_that_was_not(
    before: list[ImportRow], file: list[ImportRow], name: str, *, prune: bool, kills: list[int]
) -> None:
    clean, killed = await imported(before), await imported(before)
    needed, embedded = CountingEmbedder(name), CountingEmbedder(name)
    await bring(clean, file, needed, prune=prune)
    for lives in kills:
        killed.lives = lives
        with suppress(KilledError):
            await bring(killed, file, embedded, prune=prune)
    killed.lives = None
    await bring(killed, file, embedded, prune=prune)
    assert state(killed) == state(clean)
    # Of what was embedded a kill loses no more than the batch that was under way.
    assert len(embedded.texts) <= len(needed.texts) + BATCH * len(kills)


@given(before=FILES, file=FILES, name=EMBEDDERS, prune=st.booleans(), batch=st.integers(1, 9))
@settings(deadline=None)
async def test_an_import_again_writes_and_embeds_nothing(
    before: list[ImportRow], file: list[ImportRow], name: str, *, prune: bool, batch: int
) -> None:
    repository = await imported(before)
    await bring(repository, file, CountingEmbedder(name), prune=prune, batch=batch)
    once, writes, embedder = state(repository), repository.writes, CountingEmbedder(name)
    await bring(repository, file, embedder, prune=prune)
    assert (state(repository), repository.writes, embedder.texts) == (once, writes, [])


@given(before=FILES, file=FILES, name=EMBEDDERS)
@settings(deadline=None)
async def test_pruned_of_what_was_before_only_hiding_is_left(
    before: list[ImportRow], file: list[ImportRow], name: str
) -> None:
    over, alone = await imported(before), MemoryRepository()
    await bring(over, file, CountingEmbedder(name), prune=True)
    await bring(alone, file, CountingEmbedder(name))
    hidden = {one.content.id for one in before if one.content.rules.hidden}
    kept = {one.content.id for one in file if not one.says_hidden} & hidden
    found, expected = state(over), state(alone)
    assert set(found) == set(expected)
    assert {key for key, value in found.items() if value != expected[key]} == kept
