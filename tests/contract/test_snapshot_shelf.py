"""What every `SnapshotShelf` holds: files come back whole, and no older one takes over."""

import asyncio
from pathlib import Path

import pytest

from adapters.memory.snapshot_shelf import InMemorySnapshotShelf
from adapters.redis.connection import Client
from adapters.redis.cutting import MOST_BYTES as CHUNK_BYTES
from adapters.redis.snapshot_shelf import RedisSnapshotShelf
from core.errors import RetryableError
from core.shelf import SnapshotShelf

SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 5 * CHUNK_BYTES + 3)


def file_of(folder: Path, name: str, *, size: int = 1000, seed: int = 1) -> Path:
    """A file of bytes that only `seed` decides."""
    path = folder / name
    block = bytes((seed * 31 + place * place) % 251 for place in range(4099))
    path.write_bytes((block * (size // len(block) + 1))[:size])
    return path


def names(folder: Path) -> list[str]:
    """The files of a folder."""
    return sorted(path.name for path in folder.iterdir())


async def published(shelf: SnapshotShelf, version: str, path: Path) -> bool:
    return await shelf.publish(version, path, number=await shelf.number())


class TestSnapshotShelf:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def shelf(self, request: pytest.FixtureRequest, uid: str) -> SnapshotShelf:
        if request.param == "memory":
            return InMemorySnapshotShelf()
        client: Client = request.getfixturevalue(f"{request.param}_client")
        return RedisSnapshotShelf(client, name=uid)

    async def test_an_empty_shelf_has_nothing_to_serve(
        self, shelf: SnapshotShelf, tmp_path: Path
    ) -> None:
        assert await shelf.current() is None
        with pytest.raises(RetryableError):
            await shelf.fetch("v1", tmp_path / "there")
        assert names(tmp_path) == []

    @pytest.mark.parametrize("size", SIZES)
    async def test_a_file_comes_back_as_it_was_published(
        self, shelf: SnapshotShelf, tmp_path: Path, size: int
    ) -> None:
        path = file_of(tmp_path, "here", size=size)
        assert await published(shelf, "v1", path)
        assert await shelf.current() == "v1"
        there = tmp_path / "a" / "folder" / "there"
        await shelf.fetch("v1", there)
        assert there.read_bytes() == path.read_bytes()
        assert names(there.parent) == ["there"], "nothing half is left"

    async def test_a_later_publication_takes_over(
        self, shelf: SnapshotShelf, tmp_path: Path
    ) -> None:
        await published(shelf, "v1", file_of(tmp_path, "1"))
        await published(shelf, "v2", file_of(tmp_path, "2", seed=2))
        assert await shelf.current() == "v2"
        await shelf.fetch("v2", tmp_path / "there")
        assert (tmp_path / "there").read_bytes() == (tmp_path / "2").read_bytes()
        with pytest.raises(RetryableError):
            await shelf.fetch("v1", tmp_path / "elsewhere")

    async def test_an_older_look_at_the_source_changes_nothing_however_late_it_comes(
        self, shelf: SnapshotShelf, tmp_path: Path
    ) -> None:
        slow, quick = await shelf.number(), await shelf.number()
        assert slow < quick
        assert await shelf.publish("new", file_of(tmp_path, "2", seed=2), number=quick)
        assert not await shelf.publish("old", file_of(tmp_path, "1"), number=slow)
        assert await shelf.current() == "new"
        await shelf.fetch("new", tmp_path / "there")
        assert (tmp_path / "there").read_bytes() == (tmp_path / "2").read_bytes()

    async def test_an_earlier_version_may_come_back(
        self, shelf: SnapshotShelf, tmp_path: Path
    ) -> None:
        paths = [file_of(tmp_path, f"{number}", seed=number) for number in range(2)]
        for path in (*paths, *paths):
            assert await published(shelf, f"v{path.name}", path)
            await shelf.fetch(f"v{path.name}", tmp_path / "there")
            assert (tmp_path / "there").read_bytes() == path.read_bytes()

    async def test_a_fetch_replaces_whatever_lies_there_and_uses_what_is_right_of_it(
        self, shelf: SnapshotShelf, tmp_path: Path
    ) -> None:
        path = file_of(tmp_path, "here", size=3 * CHUNK_BYTES)
        there = tmp_path / "there"
        there.write_bytes(path.read_bytes()[: 2 * CHUNK_BYTES] + b"and then something else")
        await published(shelf, "v1", path)
        await shelf.fetch("v1", there, have=[there, tmp_path / "never"])
        assert there.read_bytes() == path.read_bytes()

    async def test_publishers_and_readers_at_once_do_not_hurt_each_other(
        self, shelf: SnapshotShelf, tmp_path: Path
    ) -> None:
        paths = [
            file_of(tmp_path, f"{number}", size=3 * CHUNK_BYTES, seed=number) for number in range(6)
        ]
        await published(shelf, "v0", paths[0])

        async def read(name: str) -> None:
            for _ in range(10):
                version = await shelf.current()
                assert version is not None
                try:
                    await shelf.fetch(version, tmp_path / name)
                except RetryableError:
                    continue  # it was replaced meanwhile
                assert (tmp_path / name).read_bytes() == paths[int(version[1:])].read_bytes()

        # Two of them write to the same name.
        readers = [read(name) for name in ("a", "b", "b")]
        writers = [published(shelf, f"v{path.name}", path) for path in paths]
        await asyncio.gather(*readers, *writers)
        version = await shelf.current()
        assert version is not None
        await shelf.fetch(version, tmp_path / "last")
        assert (tmp_path / "last").read_bytes() == paths[int(version[1:])].read_bytes()
