"""Swapping mapped snapshots: answers never mix two, and a replaced one leaves the memory."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.snapshot.binding import bind_snapshot
from adapters.snapshot.file import open_snapshot
from adapters.snapshot.folder import SnapshotFolder
from adapters.snapshot.live import LiveContentStore
from core.content import ContentFilter
from core.shelf import Snapshot
from tests.build import content

ANYTHING = ContentFilter()


def edition(folder: SnapshotFolder, number: int) -> Snapshot:
    """A snapshot in which every item says which edition it is of."""
    items = [content(f"item-{one}", text=f"edition {number}") for one in range(200)]
    return folder.write(items, "space", None)


def mapped(path: Path) -> bool:
    """Whether this process has the file mapped."""
    return str(path) in Path("/proc/self/maps").read_text()


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(tmp_path, read=open_snapshot, write=bind_snapshot)


@pytest.fixture
def unfrozen() -> Iterator[None]:
    """What a test freezes is thawed after it."""
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc on this system")
async def test_a_replaced_snapshot_leaves_the_memory_with_its_last_answer(
    folder: SnapshotFolder,
) -> None:
    live = LiveContentStore()
    live.swap(edition(folder, 1))
    first = folder.path_of(live.version)
    gc.freeze()  # as every process does after its start
    answer = await live.sample(limit=5, seed=1, where=ANYTHING)
    live.swap(edition(folder, 2))
    second = folder.path_of(live.version)
    assert mapped(first)
    assert [one.text for one in answer] == ["edition 1"] * 5
    del answer
    assert not mapped(first), "without a round of the garbage collector"
    assert mapped(second)


async def test_an_answer_under_way_never_mixes_two(folder: SnapshotFolder) -> None:
    editions = [edition(folder, number) for number in range(4)]
    live = LiveContentStore()
    live.swap(editions[0])

    async def answer() -> set[str]:
        catalogue = live.edition()
        drawn = await catalogue.sample(limit=20, seed=1, where=ANYTHING)
        await asyncio.sleep(0)
        near = await catalogue.search_vector(drawn[0].vector, limit=20, where=ANYTHING)
        await asyncio.sleep(0)
        said = {one.text for one in (*drawn, *near, *await catalogue.rows(["item-7"]))}
        return said | {catalogue.version}

    async def swap() -> None:
        for turn in range(40):
            live.swap(editions[turn % 4])
            await asyncio.sleep(0)

    *answers, _ = await asyncio.gather(*(answer() for _ in range(40)), swap())
    assert all(isinstance(one, set) and len(one) == 2 for one in answers)


async def test_a_file_may_go_while_it_is_served(folder: SnapshotFolder) -> None:
    snapshot = edition(folder, 1)
    folder.path_of(snapshot.version).unlink()  # another process has swept it
    found = await snapshot.search_text("edition", limit=500, where=ANYTHING)
    assert len(found) == 200
