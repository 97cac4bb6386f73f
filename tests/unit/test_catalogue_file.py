"""The catalogue in one file: kills, other writers, and what was edited by hand."""

import asyncio
import gzip
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.catalogue.file_repository import CatalogueFile
from adapters.catalogue.jsonl import bundled_catalogue, read_catalogue
from core.content import Content
from core.digests import digests_of
from core.errors import RejectedError, RetryableError
from core.ports import StoredContent
from core.spaces import embedder_space
from core.vectors import GridMatrix, to_grid
from tests.build import EMBEDDER, content

SPACE = "model-3"

CATALOGUE = "catalogue.jsonl"
JOURNAL = "catalogue.jsonl.importing"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / CATALOGUE


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def put(path: Path, said: bytes) -> None:
    path.write_bytes(said)


def full_disk(path: Path) -> None:
    path.symlink_to("/dev/full")


def remove(path: Path) -> None:
    path.unlink()


def left(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def plain(content_id: str, text: str = "") -> StoredContent:
    item = Content(id=content_id, title=content_id, text=text, vector=to_grid([3, 4, 0]))
    return StoredContent(content=item, digests=digests_of(item, SPACE))


async def everything(repository: CatalogueFile) -> dict[str, StoredContent]:
    return {one.content.id: one async for page in repository.scan(vectors=True) for one in page}


async def save(repository: CatalogueFile, items: Sequence[StoredContent]) -> None:
    writer = await repository.open(vector_space=SPACE, dim=3)
    await writer.upsert(items)
    await writer.commit()


async def start_import(path: Path, content_ids: str) -> None:
    writer = await CatalogueFile(path).open(vector_space=SPACE, dim=3)
    await writer.upsert([plain(content_id) for content_id in content_ids])


async def finish_import(path: Path) -> None:
    await (await CatalogueFile(path).open(vector_space=SPACE, dim=3)).commit()


async def test_the_file_is_readable_sorted_and_all_that_is_left(path: Path) -> None:
    await save(CatalogueFile(path), [plain("b"), plain("a")])
    head, first, second = map(json.loads, bytes_of(path).splitlines())
    assert head == {"vector_space": SPACE, "dim": 3}
    assert (first["id"], first["title"], second["id"]) == ("a", "a", "b")
    assert left(path) == [CATALOGUE]


async def test_a_line_that_was_cut_short_is_written_anew(path: Path) -> None:
    await start_import(path, "ab")
    journal = path.parent / JOURNAL
    whole = bytes_of(journal)
    for cut in range(1, len(whole)):
        put(journal, whole[:-cut])
        writer = await CatalogueFile(path).open(vector_space=SPACE, dim=3)
        there = set(await writer.digests())
        assert there <= {"a", "b"}
        await writer.upsert([plain(one) for one in sorted({"a", "b"} - there)])
        assert bytes_of(journal) == whole
        del writer
    await finish_import(path)
    assert set(await everything(CatalogueFile(path))) == {"a", "b"}


async def test_a_kill_between_the_new_file_and_the_end_of_the_journal_changes_nothing(
    path: Path,
) -> None:
    await save(CatalogueFile(path), [plain("a"), plain("b")])
    writer = await CatalogueFile(path).open(vector_space=SPACE, dim=3)
    await writer.upsert([plain("a", "new"), plain("c")])
    await writer.delete(["b"])
    journal = bytes_of(path.parent / JOURNAL)
    await writer.commit()
    served = bytes_of(path)
    put(path.parent / JOURNAL, journal)
    await finish_import(path)
    assert bytes_of(path) == served
    assert left(path) == [CATALOGUE]


async def test_an_import_waits_for_the_end_of_another(path: Path) -> None:
    await start_import(path, "a")
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'ab');"
        "fcntl.lockf(file, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", hold, path.parent / JOURNAL, stdin=PIPE, stdout=PIPE
    )
    assert other.stdout is not None
    await other.stdout.readline()
    with pytest.raises(RetryableError, match="another import writes"):
        await start_import(path, "b")
    await other.communicate(b"")
    await finish_import(path)
    assert set(await everything(CatalogueFile(path))) == {"a"}


@pytest.mark.parametrize("packed", [False, True])
async def test_a_file_of_a_curators_own_is_read_and_never_written(
    path: Path, *, packed: bool
) -> None:
    said = b'{"id": "a", "title": "A", "more": 1}\n{"id": 5}\n\n{"id": "b", "title": "B"}'
    put(path, gzip.compress(said) if packed else said)
    before = bytes_of(path)
    assert set(await everything(CatalogueFile(path))) == {"a", "b"}
    assert await CatalogueFile(path).vector_space() is None
    with pytest.raises(RejectedError, match="was not written by an import"):
        await start_import(path, "a")
    assert bytes_of(path) == before
    assert left(path) == [CATALOGUE]


async def test_the_vector_of_a_text_that_was_edited_by_hand_is_not_believed(path: Path) -> None:
    await save(CatalogueFile(path), [plain("a"), plain("b")])
    put(path, bytes_of(path).replace(b'"title":"a"', b'"title":"edited"').rstrip(b"\n"))
    found = await everything(CatalogueFile(path))
    assert found["a"].content.title == "edited"
    edited = digests_of(found["a"].content, SPACE)
    assert found["a"].digests.item == edited.item
    assert found["a"].digests.source != edited.source
    await start_import(path, "c")
    await finish_import(path)
    assert set(await everything(CatalogueFile(path))) == {"a", "b", "c"}


async def test_a_full_disk_is_said_and_loses_nothing(path: Path) -> None:
    await save(CatalogueFile(path), [plain("a")])
    writer = await CatalogueFile(path).open(vector_space=SPACE, dim=3)
    full_disk(path.parent / f"{CATALOGUE}.new")
    await writer.upsert([plain("b")])
    with pytest.raises(RetryableError, match="No space left"):
        await writer.commit()
    del writer
    assert set(await everything(CatalogueFile(path))) == {"a"}
    remove(path.parent / f"{CATALOGUE}.new")
    await finish_import(path)
    assert set(await everything(CatalogueFile(path))) == {"a", "b"}


async def test_what_was_imported_is_served_with_its_own_vectors(path: Path) -> None:
    items = read_catalogue(bundled_catalogue(), EMBEDDER).contents[:5]
    space = embedder_space(EMBEDDER)
    writer = await CatalogueFile(path).open(vector_space=space, dim=EMBEDDER.dim)
    await writer.upsert(
        [StoredContent(content=one, digests=digests_of(one, space)) for one in items]
    )
    await writer.commit()
    served = read_catalogue(path, NoEmbedder())
    assert (served.vector_space, served.problems) == (space, ())
    assert [one.vector.tolist() for one in served.contents] == [
        one.vector.tolist() for one in sorted(items, key=lambda one: one.id)
    ]
    new = {"id": "new", "title": "A line of somebody's own"}
    put(path, bytes_of(path) + json.dumps(new).encode())
    mended = read_catalogue(path, EMBEDDER)
    assert (mended.vector_space, mended.problems) == (space, ())
    assert (
        mended.contents[-1].vector.tolist()
        == content("new", embed=mended.contents[-1].embedded_text()).vector.tolist()
    )


async def test_a_text_that_was_edited_by_hand_is_served_with_a_vector_of_its_own(
    path: Path,
) -> None:
    space = embedder_space(EMBEDDER)
    item = content("a", title="Old title")
    writer = await CatalogueFile(path).open(vector_space=space, dim=EMBEDDER.dim)
    await writer.upsert([StoredContent(content=item, digests=digests_of(item, space))])
    await writer.commit()
    put(path, bytes_of(path).replace(b"Old title", b"Entirely different"))
    [served] = read_catalogue(path, EMBEDDER).contents
    expected = to_grid(EMBEDDER.embed([served.embedded_text()])[0])
    assert served.title == "Entirely different"
    assert served.vector.tolist() == expected.tolist()


class NoEmbedder:
    """For items that need none."""

    id = "none"
    dim = 1

    def embed(self, texts: Sequence[str]) -> GridMatrix:
        raise AssertionError(texts)
