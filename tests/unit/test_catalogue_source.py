"""A catalogue file as the source of snapshots: when it is another one, and what is in it."""

import os
from pathlib import Path
from time import time

import pytest
import structlog

from adapters.catalogue.jsonl import bundled_catalogue, read_catalogue
from adapters.catalogue.source import CatalogueFileSource
from adapters.memory.content_store import InMemoryContentStore
from core.log_names import CATALOGUE_LINE_REJECTED
from ingest_worker.publishing.draft import SourceReader
from tests.build import EMBEDDER


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    write(path, '{"id": "a", "title": "A"}')
    return path


def write(path: Path, text: str, *, age_s: float = 1.0) -> None:
    """Write a file that was written so long ago."""
    path.write_text(text)
    os.utime(path, (time() - age_s, time() - age_s))


def replace(path: Path) -> None:
    """Put a file there that differs in nothing but in being another one."""
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    os.utime(new, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    new.replace(path)


def remove(path: Path) -> None:
    path.unlink()


async def test_its_mark_changes_with_the_file(path: Path) -> None:
    source = CatalogueFileSource(path)
    marks = [await source.mark(), await source.mark()]
    assert marks[0] == marks[1] != ""
    write(path, '{"id": "a", "title": "B"}')
    marks.append(await source.mark())
    replace(path)
    marks.append(await source.mark())
    remove(path)
    marks.append(await source.mark())
    assert len(set(marks)) == 4
    assert marks[-1] == ""


async def test_a_file_that_is_being_written_is_not_looked_at_yet(path: Path) -> None:
    source = CatalogueFileSource(path)
    before = await source.mark()
    write(path, '{"id": "a", "tit', age_s=0)
    assert await source.mark() == before
    write(path, '{"id": "a", "title": "B"}', age_s=0.5)
    assert await source.mark() != before


async def test_the_first_look_waits_for_nothing(path: Path) -> None:
    write(path, '{"id": "a", "title": "A"}', age_s=0)
    assert await CatalogueFileSource(path).mark() != ""


async def test_lines_that_cannot_be_used_are_named_once_a_state_of_the_file(path: Path) -> None:
    write(path, '{"id": "a", "title": "A"}\nnonsense\n{"id": "a", "title": "again"}')
    source = CatalogueFileSource(path)
    for expected in (2, 0, 2):
        await source.mark()
        with structlog.testing.capture_logs() as logs:
            found = [one async for page in source.scan(vectors=True) for one in page]
        assert [one.content.title for one in found] == ["A"]
        assert len(logs) == expected
        assert all(log["event"] == CATALOGUE_LINE_REJECTED for log in logs)
        if not expected:
            os.utime(path, (time() - 9, time() - 9))


@pytest.mark.parametrize("text", ["", '{"vector_space": "given-2", "dim": 2}\n'])
async def test_a_file_without_items_has_none(path: Path, text: str) -> None:
    write(path, text)
    source = CatalogueFileSource(path)
    assert [page async for page in source.scan(vectors=False)] == []
    draft = await SourceReader(source, EMBEDDER).read(None)
    assert len(draft.contents(None)) == 0


async def test_it_has_what_one_process_serves_from_the_file(path: Path) -> None:
    write(path, '{"id": "b", "title": "B", "vector": [1, 2]}\n{"id": "a", "title": "A"}')
    for file in (bundled_catalogue(), path):
        known = read_catalogue(file, EMBEDDER)
        served = InMemoryContentStore(known.contents, known.vector_space)
        draft = await SourceReader(CatalogueFileSource(file), EMBEDDER).read(None)
        drafted = InMemoryContentStore(draft.contents(None), draft.vector_space)
        assert (drafted.version, drafted.vector_space) == (served.version, served.vector_space)


async def test_single_items_are_found(path: Path) -> None:
    write(path, "\n".join(f'{{"id": "{one}", "title": "{one}"}}' for one in "abc"))
    found = await CatalogueFileSource(path).get(["c", "a", "x"])
    assert sorted(found) == ["a", "c"]
