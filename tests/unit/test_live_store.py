"""The live catalogue: it follows the shelf, and an answer keeps the one it has begun with."""

import asyncio
from pathlib import Path

import pytest

from adapters.snapshot.file import open_snapshot
from core.errors import NoCatalogueError
from core.geo import GeoPoint
from tests.pods import ANYTHING, Pod, Shelf


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
        assert (await store.inside(["c", "x", "a"], where=ANYTHING)).ids == ["c", "a"]
        assert len(await store.search_tags(item.tags, limit=9, where=ANYTHING)) == 3
        assert (await store.search_text("a", limit=9, where=ANYTHING)).ids == ["a"]
        assert not await store.search_related({"a": 1.0}, limit=9, where=ANYTHING)
        assert not await store.search_popular(limit=9, where=ANYTHING)
        assert not await store.search_geo(GeoPoint(1.0, 1.0), radius_m=9.0, limit=9, where=ANYTHING)
        assert not await store.pinned(where=ANYTHING)
        assert await store.together(["x"]) == {}
        assert store.vector_space == ""
        assert store.edition().version == version


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
