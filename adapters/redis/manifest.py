"""The chunks that a file is made of: what they are called, where they lie, and their bytes."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from core.errors import RejectedError

CHUNK_BYTES = 1024**2
"""A larger one holds up who else uses the server, or this process, while it is copied."""


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
        parts = iter(lambda: file.read(CHUNK_BYTES), b"")
        return tuple(Chunk(_digest(data), len(data)) for data in parts)


def places(paths: Sequence[Path]) -> dict[str, tuple[Path, int]]:
    """From the digest of each chunk of the files to where it lies; a missing file has none."""
    found: dict[str, tuple[Path, int]] = {}
    for path in paths:
        offset = 0
        for chunk in cut(path) if path.exists() else ():
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
