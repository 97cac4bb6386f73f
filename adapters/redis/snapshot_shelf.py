"""Snapshots in Redis: one hash says what is current, the files lie there as chunks.

A publication first leaves its manifest, then the chunks that are not there
yet, and becomes current last; what ends before that is never seen, and goes by
itself.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from adapters.partial import whole_file
from adapters.redis.chunks import RedisChunks
from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import shelf_key
from adapters.redis.manifest import Chunk, Manifest, cut, places
from adapters.redis.scripts import Call, Script, run_script
from core.errors import RetryableError

_MANIFEST = "manifest:"
_REPLACED_KEPT = 2
"""So many replaced files at most: a catalogue that changes all the time must not fill Redis."""
_AT_ONCE = 4
"""Chunks on their way at a time, which bounds the memory of a fetch."""

# The server's clock is the floor: a flushed one numbers no lower than before.
_NUMBER = Script("""
local now = redis.call('TIME')
local last = tonumber(redis.call('HGET', KEYS[1], 'number') or 0)
local number = math.max(now[1] * 1000 + math.floor(now[2] / 1000), last + 1)
redis.call('HSET', KEYS[1], 'number', string.format('%.0f', number))
return number
""")

_SWITCH = Script("""
local current = redis.call('HGET', KEYS[1], 'current') or '0 '
if tonumber(string.match(current, '^%d+')) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'current', ARGV[1] .. ' ' .. ARGV[2])
return 1
""")


class RedisSnapshotShelf:
    """A `SnapshotShelf`; those of different names know nothing of each other."""

    def __init__(self, client: Client, *, name: str) -> None:
        """`name` is that of the file format: releases that differ in it may run side by side."""
        self._client = client
        self._key = shelf_key(name)
        self._chunks = RedisChunks(client, name)
        self._last: tuple[Path, Sequence[Chunk]] | None = None

    async def number(self) -> int:
        """The milliseconds of the server's clock, or one more than the last number."""
        with driver_errors("numbering a publication"):
            [number] = await run_script(self._client, _NUMBER, [Call((self._key,), ())])
        return int(number)

    async def publish(self, version: str, path: Path, *, number: int) -> bool:
        """Upload what is not there, switch, let go of what was replaced."""
        chunks = await asyncio.to_thread(cut, path)
        field = f"{_MANIFEST}{number}"
        with driver_errors("beginning a publication"):
            await self._client.hset(self._key, field, Manifest(number, chunks).encode())
        await self._chunks.upload(path, chunks)
        with driver_errors("making a snapshot current"):
            switch = Call((self._key,), (number, version))
            [switched] = await run_script(self._client, _SWITCH, [switch])
            if not switched:
                await self._client.hdel(self._key, field)
                return False
        await self._chunks.settle(path, chunks)
        await self._retire(number)
        return True

    async def current(self) -> str | None:
        """The version of the latest publication that was finished."""
        with driver_errors("asking for the current snapshot"):
            found: Any = await self._client.hget(self._key, "current")
        return found.decode().partition(" ")[2] if found else None

    async def fetch(self, version: str, into: Path, *, have: Sequence[Path] = ()) -> None:
        """Put the file together from chunks of `have` and of the server, each verified."""
        chunks = (await self._manifest(version)).chunks
        held = await asyncio.to_thread(self._places, have)
        with whole_file(into) as part, part.open("xb") as file:
            for start in range(0, len(chunks), _AT_ONCE):
                await self._append(file, chunks[start : start + _AT_ONCE], held)
        self._last = (into, chunks)

    async def _append(
        self, file: BinaryIO, chunks: Sequence[Chunk], held: Mapping[str, tuple[Path, int]]
    ) -> None:
        """Nothing of them is held when this returns, so that only `_AT_ONCE` ever are."""
        data = await asyncio.gather(*(self._chunks.read(chunk, held) for chunk in chunks))
        await asyncio.to_thread(file.writelines, data)

    def _places(self, have: Sequence[Path]) -> dict[str, tuple[Path, int]]:
        """Where chunks lie on this machine; what was fetched last need not be cut for that."""
        found: dict[str, tuple[Path, int]] = {}
        for path in have:
            if self._last is not None and self._last[0] == path:
                found |= places(path, self._last[1])
            elif path.exists():
                found |= places(path, cut(path))
        return found

    async def _manifest(self, version: str) -> Manifest:
        with driver_errors("fetching a snapshot"):
            found: Any = await self._client.hget(self._key, "current")
            number, _, current = found.decode().partition(" ") if found else ("", "", None)
            raw: Any = await self._client.hget(self._key, f"{_MANIFEST}{number}")
        if current != version or raw is None:
            raise RetryableError(f"snapshot {version} is not on the shelf any more")
        return Manifest.decode(raw)

    async def _retire(self, number: int) -> None:
        """Let go of snapshots of lower numbers, but not of what higher ones share with them."""
        with driver_errors("letting go of snapshots"):
            stored: Any = await self._client.hgetall(self._key)
        manifests = [
            Manifest.decode(raw)
            for field, raw in stored.items()
            if field.startswith(_MANIFEST.encode())
        ]
        older = sorted((one.number, one) for one in manifests if one.number < number)
        gone = [one for _, one in older[:-_REPLACED_KEPT]]
        replaced = [one for _, one in older[-_REPLACED_KEPT:]]
        needed = _digests(one for one in manifests if one.number >= number)
        await self._chunks.let_go(_digests(replaced) - needed)
        await self._chunks.drop(_digests(gone) - _digests(replaced) - needed)
        if gone:
            with driver_errors("letting go of snapshots"):
                await self._client.hdel(self._key, *(f"{_MANIFEST}{one.number}" for one in gone))


def _digests(manifests: Iterable[Manifest]) -> set[str]:
    return {chunk.digest for one in manifests for chunk in one.chunks}
