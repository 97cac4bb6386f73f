"""Chunks of files in Redis, each a key of its own, so that a cluster's nodes share them."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import chunk_key
from adapters.redis.manifest import Chunk, is_chunk, read_chunk
from core.errors import RejectedError, RetryableError

_UNFINISHED_S = 3600
"""How long the chunks of an upload that nobody finishes stay."""
_REPLACED_S = 120
"""How long those of a replaced file stay: somebody may just be fetching it."""
_COMMANDS = 500
_REPAIRS = 3

Commands = tuple[tuple[Any, ...], ...]


class RedisChunks:
    """The chunks of one shelf, by their digests."""

    def __init__(self, client: Client, shelf: str) -> None:
        """Keep the client."""
        self._client = client
        self._shelf = shelf

    async def upload(self, path: Path, chunks: Sequence[Chunk]) -> None:
        """Send those of a file's chunks that are not there; they go by themselves in an hour.

        Raises: RejectedError where the file is not made of these chunks.
        """
        found = await self._each(
            _digests(chunks), lambda key: (("EXISTS", key), ("EXPIRE", key, _UNFINISHED_S, "GT"))
        )
        missing = {digest for digest, (there, _) in found.items() if not there}
        await self._send(path, chunks, missing, expire_s=_UNFINISHED_S)

    async def settle(self, path: Path, chunks: Sequence[Chunk]) -> None:
        """Let them stay; those that another publisher has let go of meanwhile come again."""
        for _ in range(_REPAIRS):
            found = await self._each(
                _digests(chunks), lambda key: (("PERSIST", key), ("EXISTS", key))
            )
            missing = {digest for digest, (_, there) in found.items() if not there}
            if not missing:
                return
            await self._send(path, chunks, missing, expire_s=None)

    async def let_go(self, digests: Iterable[str]) -> None:
        """They are of a replaced file, and go soon."""
        await self._each(digests, lambda key: (("EXPIRE", key, _REPLACED_S, "NX"),))

    async def drop(self, digests: Iterable[str]) -> None:
        """They go now."""
        await self._each(digests, lambda key: (("UNLINK", key),))

    async def read(self, chunk: Chunk, held: Mapping[str, tuple[Path, int]]) -> bytes:
        """A chunk's bytes, of a local file where `held` has it.

        Raises: RetryableError where it is not there, RejectedError where it is damaged.
        """
        if chunk.digest in held:
            data = await asyncio.to_thread(read_chunk, *held[chunk.digest], chunk)
            if data is not None:
                return data
        with driver_errors("fetching a snapshot"):
            found: Any = await self._client.get(chunk_key(self._shelf, chunk.digest))
        if found is None:
            raise RetryableError(f"chunk {chunk.digest} is not on the shelf any more")
        if not await asyncio.to_thread(is_chunk, found, chunk):
            raise RejectedError(f"chunk {chunk.digest} of the shelf is damaged")
        return bytes(found)

    async def _send(
        self, path: Path, chunks: Sequence[Chunk], wanted: set[str], *, expire_s: int | None
    ) -> None:
        left, offset = set(wanted), 0
        for chunk in chunks:
            if chunk.digest in left:
                left.remove(chunk.digest)
                data = await asyncio.to_thread(read_chunk, path, offset, chunk)
                if data is None:
                    raise RejectedError(f"{path} was changed while it was published")
                with driver_errors("publishing a snapshot"):
                    await self._client.set(chunk_key(self._shelf, chunk.digest), data, ex=expire_s)
            offset += chunk.size

    async def _each(
        self, digests: Iterable[str], commands: Callable[[str], Commands]
    ) -> dict[str, tuple[Any, ...]]:
        """Run commands on the key of each chunk; the answers by its digest."""
        answers: dict[str, tuple[Any, ...]] = {}
        waiting = iter(digests)
        while some := list(islice(waiting, _COMMANDS)):
            asked = {digest: commands(chunk_key(self._shelf, digest)) for digest in some}
            with driver_errors("looking after a snapshot"):
                found = iter(await self._run(asked.values()))
            answers |= {digest: tuple(islice(found, len(asked[digest]))) for digest in some}
        return answers

    async def _run(self, commands: Iterable[Commands]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for command in (one for several in commands for one in several):
                pipe.execute_command(*command)
            found: list[Any] = await pipe.execute()
            return found


def _digests(chunks: Iterable[Chunk]) -> list[str]:
    return list(dict.fromkeys(chunk.digest for chunk in chunks))
