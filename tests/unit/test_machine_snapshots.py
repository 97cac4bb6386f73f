"""The snapshots of one machine: fetched once, kept while used, served while Redis is away."""

import asyncio
import os
from pathlib import Path
from time import time

import pytest

from adapters.snapshot.binding import bind_snapshot
from core.errors import RetryableError
from tests.build import content
from tests.pods import Pod, Shelf


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(Shelf(), tmp_path / "folder")


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
