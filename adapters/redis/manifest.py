"""The chunks that a file is made of: what they are called, where they lie, and their bytes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapters.redis.cutting import chunks_of
from core.errors import RejectedError


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Some bytes of a file, named by their digest."""

    digest: str
    size: int


class Manifest(msgspec.Struct, frozen=True):
    """A file as its chunks in order, and the number of its publication."""

    number: int
    chunks: tuple[Chunk, ...]

    def encode(self) -> bytes:
        """The stored form."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, raw: bytes) -> "Manifest":
        """Read the stored form. Raises: RejectedError if it is not one."""
        try:
            return _DECODER.decode(raw)
        except msgspec.DecodeError as exc:
            raise RejectedError(f"the manifest of a snapshot is unreadable: {exc}") from exc


_DECODER = msgspec.msgpack.Decoder(Manifest)


def cut(path: Path) -> tuple[Chunk, ...]:
    """The chunks of a file."""
    with path.open("rb") as file:
        return tuple(Chunk(_digest(data), len(data)) for data in chunks_of(file))


def places(path: Path, chunks: Sequence[Chunk]) -> dict[str, tuple[Path, int]]:
    """From the digest of each chunk of a file to where it lies."""
    found: dict[str, tuple[Path, int]] = {}
    offset = 0
    for chunk in chunks:
        found.setdefault(chunk.digest, (path, offset))
        offset += chunk.size
    return found


def read_chunk(path: Path, offset: int, chunk: Chunk) -> bytes | None:
    """The chunk's bytes, or None where other ones lie there by now."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(chunk.size)
    except FileNotFoundError:
        return None
    return data if is_chunk(data, chunk) else None


def is_chunk(data: bytes, chunk: Chunk) -> bool:
    """Whether these are the bytes of the chunk."""
    return len(data) == chunk.size and _digest(data) == chunk.digest


def _digest(data: bytes) -> str:
    """Shape: 32 hex digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
