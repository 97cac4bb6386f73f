"""What the shelf in Redis keeps there: chunks once, nothing unfinished, and nothing for long."""

import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from adapters.redis.chunks import _REPLACED_S, _UNFINISHED_S
from adapters.redis.connection import Client
from adapters.redis.cutting import MOST_BYTES as CHUNK_BYTES
from adapters.redis.keys import chunk_key, shelf_key
from adapters.redis.manifest import Manifest, cut
from adapters.redis.snapshot_shelf import RedisSnapshotShelf
from core.errors import RejectedError, RetryableError
from deploy.valkey import Valkey
from tests.contract.test_snapshot_shelf import file_of, names, published

FOR_EVER = -1


def big(folder: Path, name: str, *seeds: int) -> Path:
    """A file of one chunk a seed."""
    path = folder / name
    parts = [file_of(folder, "part", size=CHUNK_BYTES, seed=seed).read_bytes() for seed in seeds]
    path.write_bytes(b"".join(parts))
    return path


class TestRedisSnapshotShelf:
    @pytest.fixture
    async def shelf(self, client: Client, uid: str) -> AsyncIterator[RedisSnapshotShelf]:
        """A shelf of this test, of which nothing is left."""
        yield RedisSnapshotShelf(client, name=uid)
        for key in await keys_of(client, uid):
            await client.delete(key)

    async def test_only_chunks_that_are_not_there_are_uploaded(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        await published(shelf, "v1", big(tmp_path, "1", 1, 2, 3, 2))
        assert len(await ttls(client, uid)) == 3, "equal ones lie there once"
        marked = chunk_key(uid, cut(tmp_path / "1")[1].digest)
        await client.set(marked, b"as it was")
        await published(shelf, "v2", big(tmp_path, "2", 4, 2))
        assert await client.get(marked) == b"as it was"

    async def test_only_chunks_that_are_not_here_are_fetched(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        old, new = big(tmp_path, "1", 1, 2, 3), big(tmp_path, "2", 4, 3, 1)
        await published(shelf, "v2", new)
        for chunk in cut(old):
            await client.delete(chunk_key(uid, chunk.digest))
        await shelf.fetch("v2", tmp_path / "there", have=[old])
        assert (tmp_path / "there").read_bytes() == new.read_bytes()

    async def test_what_is_current_stays_and_what_it_replaced_goes(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        await published(shelf, "v1", big(tmp_path, "1", 1, 2))
        await published(shelf, "v2", big(tmp_path, "2", 2, 3))
        first, second, third = (cut(big(tmp_path, "x", seed))[0].digest for seed in (1, 2, 3))
        found = await ttls(client, uid)
        assert found[second] == found[third] == FOR_EVER
        assert 0 < found[first] <= _REPLACED_S
        await published(shelf, "v1", tmp_path / "1")
        found = await ttls(client, uid)
        assert found[first] == found[second] == FOR_EVER, "it is needed again"
        assert 0 < found[third] <= _REPLACED_S

    async def test_two_replaced_ones_are_kept_at_most(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        for seed in range(6):
            await published(shelf, f"v{seed}", big(tmp_path, f"{seed}", seed))
        kept = {cut(tmp_path / f"{seed}")[0].digest for seed in (3, 4, 5)}
        assert set(await ttls(client, uid)) == kept
        fields = [field for field in await client.hgetall(shelf_key(uid)) if b":" in field]
        assert len(fields) == 3

    async def test_an_upload_that_ends_in_the_middle_is_never_current_and_goes_by_itself(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        await published(shelf, "v1", big(tmp_path, "1", 1))
        path = big(tmp_path, "2", 1, 2, 3)
        number, chunks = await shelf.number(), cut(path)
        await client.hset(shelf_key(uid), f"manifest:{number}", Manifest(number, chunks).encode())
        path.write_bytes(path.read_bytes()[: 2 * CHUNK_BYTES])
        with pytest.raises(RejectedError):
            await shelf._chunks.upload(path, chunks)
        assert await shelf.current() == "v1"
        found = await ttls(client, uid)
        first, second = (found[chunk.digest] for chunk in chunks[:2])
        assert first == FOR_EVER, "it belongs to the current one"
        assert 0 < second <= _UNFINISHED_S
        await published(shelf, "v3", big(tmp_path, "3", 1, 2))
        assert (await ttls(client, uid))[chunks[1].digest] == FOR_EVER

    async def test_what_another_publisher_uploads_is_let_alone(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        await published(shelf, "v1", big(tmp_path, "1", 1, 2))
        earlier, later = await shelf.number(), await shelf.number()
        chunks = cut(big(tmp_path, "2", 1, 2, 3))
        await client.hset(shelf_key(uid), f"manifest:{later}", Manifest(later, chunks).encode())
        await shelf._chunks.upload(tmp_path / "2", chunks)
        await shelf.publish("v3", big(tmp_path, "3", 4), number=earlier)
        found = await ttls(client, uid)
        first, second, third = (found[chunk.digest] for chunk in chunks)
        assert first == second == FOR_EVER
        assert third > _REPLACED_S
        assert await shelf.publish("v2", tmp_path / "2", number=later)
        await shelf.fetch("v2", tmp_path / "there")

    async def test_what_was_lost_is_put_back_by_publishing_again(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        path = big(tmp_path, "1", 1, 2)
        await published(shelf, "v1", path)
        await client.delete(chunk_key(uid, cut(path)[1].digest))
        with pytest.raises(RetryableError):
            await shelf.fetch("v1", tmp_path / "there")
        assert not (tmp_path / "there").exists()
        await published(shelf, "v1", path)
        await shelf.fetch("v1", tmp_path / "there")
        assert set((await ttls(client, uid)).values()) == {FOR_EVER}

    async def test_chunks_that_go_between_the_look_and_the_switch_come_again(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        path = big(tmp_path, "1", 1, 2)
        chunks = cut(path)
        await shelf._chunks.upload(path, chunks)
        await client.delete(chunk_key(uid, chunks[0].digest))
        await shelf._chunks.settle(path, chunks)
        assert set((await ttls(client, uid)).values()) == {FOR_EVER}

    async def test_a_damaged_chunk_is_refused(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        path = big(tmp_path, "1", 1, 2)
        await published(shelf, "v1", path)
        key = chunk_key(uid, cut(path)[1].digest)
        await client.setrange(key, 77, b"x")
        there = tmp_path / "folder" / "there"
        with pytest.raises(RejectedError, match="damaged"):
            await shelf.fetch("v1", there)
        assert names(there.parent) == []

    async def test_a_manifest_that_is_none_is_refused(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        number = await shelf.number()
        await shelf.publish("v1", big(tmp_path, "1", 1), number=number)
        await client.hset(shelf_key(uid), f"manifest:{number}", b"{}")
        with pytest.raises(RejectedError, match="unreadable"):
            await shelf.fetch("v1", tmp_path / "there")

    async def test_shelves_of_two_formats_know_nothing_of_each_other(
        self, shelf: RedisSnapshotShelf, client: Client, uid: str, tmp_path: Path
    ) -> None:
        other = RedisSnapshotShelf(client, name=f"{uid}-other")
        path = big(tmp_path, "1", 1)
        await published(shelf, "v1", path)
        assert await other.current() is None
        await published(other, "v1", path)
        await published(other, "v2", big(tmp_path, "2", 2))
        await shelf.fetch("v1", tmp_path / "there")
        assert (await ttls(client, uid))[cut(path)[0].digest] == FOR_EVER

    async def test_a_large_file_never_is_in_memory(
        self, shelf: RedisSnapshotShelf, tmp_path: Path
    ) -> None:
        path = big(tmp_path, "large", *range(30))
        tracemalloc.start()
        try:
            await published(shelf, "v1", path)
            await shelf.fetch("v1", tmp_path / "there")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 20 * 1024**2


class TestAFlushedRedis:
    async def test_it_numbers_on_from_where_it_was(
        self, own_server: Valkey, own_client: Redis, tmp_path: Path
    ) -> None:
        """A publisher that was held up by it must not take over with its older look."""
        assert own_server.process is not None
        shelf = RedisSnapshotShelf(own_client, name="1")
        before = [await shelf.number() for _ in range(50)]
        await published(shelf, "v1", big(tmp_path, "1", 1))
        await own_client.flushall()
        assert await shelf.current() is None
        after = await shelf.number()
        assert before == sorted(set(before))
        assert after > before[0]
        await published(shelf, "v2", big(tmp_path, "2", 2))
        assert not await shelf.publish("v1", tmp_path / "1", number=before[0])


async def keys_of(client: Client, name: str) -> list[bytes]:
    """All keys of the shelf, and of others whose name begins as its does."""
    return [key async for key in client.scan_iter(match=f"*:{name}*")]


async def ttls(client: Client, name: str) -> dict[str, int]:
    """From each chunk's digest to the seconds it has left."""
    keys: list[Any] = await keys_of(client, f"{name}:")
    return {key.decode().rpartition(":")[2]: await client.ttl(key) for key in keys}
