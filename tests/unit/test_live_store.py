"""The live catalogue: it follows the shelf, and keeps what it has where that cannot be done."""

import asyncio
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from time import time

import pytest
from prometheus_client import CollectorRegistry

from adapters.memory.snapshot_shelf import InMemorySnapshotShelf
from adapters.snapshot.binding import bind_snapshot
from adapters.snapshot.file import open_snapshot
from adapters.snapshot.folder import SnapshotFolder
from adapters.snapshot.follower import CatalogueFollower
from adapters.snapshot.live import LiveContentStore
from adapters.snapshot.metrics import CatalogueMetrics
from core.content import ContentFilter
from core.errors import NoCatalogueError, RetryableError
from core.geo import GeoPoint
from tests.build import content

ANYTHING = ContentFilter()


class Shelf(InMemorySnapshotShelf):
    """A shelf that counts its fetches, and may be away or meet a full disk."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.is_away = False
        self.disk_is_full = False

    async def current(self) -> str | None:
        if self.is_away:
            raise RetryableError("Redis is away")
        return await super().current()

    async def fetch(self, version: str, into: Path, *, have: Sequence[Path] = ()) -> None:
        self.fetched.append(version)
        if self.disk_is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        await super().fetch(version, into, have=have)


class Pod:
    """A process that follows a shelf, with a folder that it may share."""

    def __init__(self, shelf: Shelf, path: Path, *, unused_s: float = 60.0) -> None:
        self.shelf, self.path = shelf, path
        self.registry = CollectorRegistry()
        self.store = LiveContentStore()
        self.follower = CatalogueFollower(
            shelf,
            SnapshotFolder(path, read=open_snapshot, write=bind_snapshot, unused_s=unused_s),
            self.store,
            metrics=CatalogueMetrics(self.registry),
            every_ms=1,
        )

    async def publish(self, *items: str, seed: int = 0) -> str:
        """Put a catalogue of these items on the shelf; `seed` makes it another."""
        source = self.path.parent / "source"
        bind_snapshot(source, [content(one, text=f"{one} {seed}") for one in items], "", None)
        version = open_snapshot(source).version
        await self.shelf.publish(version, source, number=await self.shelf.number())
        return version

    async def served(self) -> list[str]:
        return (await self.store.sample(limit=99, seed=0, where=ANYTHING)).ids

    def file_of(self, version: str) -> Path:
        return self.path / f"{version}.snapshot"

    def number(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"ai_engine_catalogue_{name}", labels)


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(Shelf(), tmp_path / "folder")


async def test_before_anything_is_published_there_is_no_catalogue(pod: Pod) -> None:
    await pod.follower.look()
    with pytest.raises(NoCatalogueError, match="no catalogue yet"):
        pod.store.edition()
    with pytest.raises(NoCatalogueError):
        await pod.store.get(["a"])


async def test_what_is_published_is_served_and_what_follows_replaces_it(pod: Pod) -> None:
    first = await pod.publish("a", "b")
    await pod.follower.look()
    assert pod.store.version == first
    assert sorted(await pod.served()) == ["a", "b"]
    second = await pod.publish("b", "c", "d")
    await pod.follower.look()
    assert pod.store.version == second
    assert sorted(await pod.served()) == ["b", "c", "d"]
    await pod.follower.look()
    assert pod.shelf.fetched == [first, second], "nothing is fetched twice"


async def test_an_answer_that_has_begun_keeps_its_catalogue(pod: Pod) -> None:
    first = await pod.publish("a")
    await pod.follower.look()
    begun = pod.store.edition()
    await pod.publish("b")
    await pod.follower.look()
    assert begun.version == first
    assert list(await begun.get(["a", "b"])) == ["a"]
    assert list(await pod.store.get(["a", "b"])) == ["b"]


async def test_it_answers_what_the_snapshot_answers(pod: Pod) -> None:
    version = await pod.publish("a", "b", "c")
    await pod.follower.look()
    there = open_snapshot(pod.file_of(version))
    for store in (pod.store, there):
        [item] = await store.rows(["a"])
        near = await store.search_vector(item.vector, limit=2, where=ANYTHING)
        assert near.ids[0] == "a"
        assert len(await store.search_tags(item.tags, limit=9, where=ANYTHING)) == 3
        assert (await store.search_text("a", limit=9, where=ANYTHING)).ids == ["a"]
        assert not await store.search_related({"a": 1.0}, limit=9, where=ANYTHING)
        assert not await store.search_popular(limit=9, where=ANYTHING)
        assert not await store.search_geo(GeoPoint(1.0, 1.0), radius_m=9.0, limit=9, where=ANYTHING)
        assert not await store.pinned(where=ANYTHING)
        assert await store.together(["x"]) == {}
        assert store.vector_space == ""
        assert store.edition().version == version


@pytest.mark.parametrize("harm", ["truncated", "foreign", "flipped", "empty", "other"])
async def test_a_damaged_file_of_this_machine_is_fetched_anew(pod: Pod, harm: str) -> None:
    version = await pod.publish("a", "b")
    path = pod.file_of(version)
    pod.path.mkdir()
    raw = pod.path.with_name("source").read_bytes()
    other = pod.path.with_name("other")
    bind_snapshot(other, [content("x")], "", None)
    path.write_bytes(
        {
            "truncated": raw[:-9],
            "foreign": b"GIF89a" * 99,
            "flipped": raw[:90] + bytes([raw[90] ^ 1]) + raw[91:],
            "empty": b"",
            "other": other.read_bytes(),
        }[harm]
    )
    await pod.follower.look()
    assert pod.store.version == version
    assert path.read_bytes() == raw
    assert pod.number("refused_snapshots_total", cause="damaged") == 1


async def test_a_snapshot_that_is_no_good_leaves_the_old_one_and_is_tried_later_and_later(
    pod: Pod, tmp_path: Path
) -> None:
    good = await pod.publish("a")
    await pod.follower.look()
    (tmp_path / "bad").write_bytes(b"no snapshot at all")
    await pod.shelf.publish("bad", tmp_path / "bad", number=await pod.shelf.number())
    for _ in range(20):
        await pod.follower.look()
    assert pod.store.version == good
    assert pod.shelf.fetched == [good, "bad", "bad"], "at once, and then not for a second"
    better = await pod.publish("b")
    await pod.follower.look()
    assert pod.store.version == better, "another version is not made to wait"


async def test_a_version_that_is_no_name_for_a_file_is_refused(pod: Pod, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"")
    for version in ("../../home", "a/b", "", ".", "x" * 200, "a\nb"):
        await pod.shelf.publish(version, tmp_path / "source", number=await pod.shelf.number())
        await pod.follower.look()
    assert pod.shelf.fetched == []
    assert pod.number("refused_snapshots_total", cause="damaged") == 6


async def test_a_full_disk_leaves_the_old_one(pod: Pod) -> None:
    old = await pod.publish("a")
    await pod.follower.look()
    pod.shelf.disk_is_full = True
    await pod.publish("b")
    await pod.follower.look()
    assert pod.store.version == old
    assert pod.number("refused_snapshots_total", cause="disk") == 1
    pod.shelf.disk_is_full = False
    await pod.follower.look()
    assert await pod.served() == ["b"]


async def test_without_redis_a_machine_serves_what_it_served_last(pod: Pod) -> None:
    await pod.publish("old")
    await pod.follower.look()
    os.utime(pod.file_of(pod.store.version), (time() - 50, time() - 50))
    last = await pod.publish("last")
    await pod.follower.look()
    again = Pod(pod.shelf, pod.path)
    pod.shelf.is_away = True
    with pytest.raises(RetryableError):
        await again.follower.look()
    assert again.store.version == last
    pod.shelf.is_away = False
    newest = await pod.publish("newest")
    await again.follower.look()
    assert again.store.version == newest


async def test_with_an_empty_redis_a_machine_serves_what_it_served_last(pod: Pod) -> None:
    last = await pod.publish("last")
    await pod.follower.look()
    again = Pod(Shelf(), pod.path)
    await again.follower.look()
    assert again.store.version == last


async def test_a_damaged_file_is_not_what_a_machine_falls_back_on(pod: Pod) -> None:
    good = await pod.publish("good")
    await pod.follower.look()
    pod.file_of("damaged").write_bytes(b"")
    os.utime(pod.file_of(good), (time() - 1, time() - 1))
    again = Pod(Shelf(), pod.path)
    await again.follower.look()
    assert again.store.version == good
    assert not pod.file_of("damaged").exists()


async def test_the_processes_of_a_machine_fetch_once(pod: Pod) -> None:
    version = await pod.publish("a")
    others = [Pod(pod.shelf, pod.path) for _ in range(3)]
    for one in (pod, *others):
        await one.follower.look()
        assert one.store.version == version
    assert pod.shelf.fetched == [version]


async def test_processes_that_fetch_at_once_do_not_hurt_each_other(pod: Pod) -> None:
    pods = [pod, *(Pod(pod.shelf, pod.path) for _ in range(5))]
    for seed in range(5):
        version = await pod.publish(*"abcdef", seed=seed)
        await asyncio.gather(*(one.follower.look() for one in pods))
        assert {one.store.version for one in pods} == {version}
    assert pod.number("refused_snapshots_total", cause="damaged") == 0


async def test_files_go_when_nobody_uses_them(pod: Pod) -> None:
    first = await pod.publish("a")
    await pod.follower.look()
    aside = Pod(pod.shelf, pod.path, unused_s=30)
    second = await pod.publish("b")
    await aside.follower.look()
    assert pod.file_of(first).exists(), "it was used a moment ago"
    half = pod.path / "c.snapshot.1234.part"
    for path in (pod.file_of(first), half):
        path.touch()
        os.utime(path, (time() - 31, time() - 31))
    third = await pod.publish("c")
    await aside.follower.look()
    assert not pod.file_of(first).exists()
    assert pod.file_of(second).exists()
    assert pod.file_of(third).exists()
    assert half.exists(), "somebody may be writing it"
    assert await pod.served() == ["a"], "whoever serves it goes on"


async def test_a_file_in_use_stays(pod: Pod) -> None:
    version = await pod.publish("a")
    await pod.follower.look()
    os.utime(pod.file_of(version), (time() - 3600, time() - 3600))
    pod.follower._touched_s = -1e9  # the time to touch it again has come
    await pod.follower.look()
    assert pod.file_of(version).exists()


async def test_the_numbers_tell_what_is_served(pod: Pod) -> None:
    first = await pod.publish("a", "b")
    await pod.follower.look()
    assert pod.number("info", version=first, vector_space="") == 1
    assert pod.number("items") == 2
    second = await pod.publish("b")
    await pod.follower.look()
    assert pod.number("info", version=first, vector_space="") is None
    assert pod.number("info", version=second, vector_space="") == 1
    assert pod.number("items") == 1
    assert pod.number("swaps_total") == 2
    assert pod.number("refused_snapshots_total", cause="disk") == 0
    assert 0 <= (pod.number("age_seconds") or 0) < 60
    assert 0 <= (pod.number("unconfirmed_seconds") or 0) < 60


async def test_it_follows_by_itself_through_an_outage(pod: Pod) -> None:
    pod.shelf.is_away = True
    following = asyncio.create_task(pod.follower.run())
    await asyncio.sleep(0.02)
    pod.shelf.is_away = False
    for seed in range(3):
        version = await pod.publish("a", seed=seed)
        async with asyncio.timeout(20):
            while not pod.store.is_there or pod.store.version != version:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert following.cancelled()
