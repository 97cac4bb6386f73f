"""A file of named arrays, to be mapped into memory and used where they are.

After 20 bytes (what it is, which format, how long the header is and its
checksum) comes the header as JSON: figures of whoever wrote it and where each
array lies. Each array starts at a multiple of 64 bytes, little-endian, and has a
checksum over itself and what fills up the space behind it: no bit of the file
is without one. CRC-32 is what reads 200 MB in a tenth of a second, and all it has
to tell is damage. The same arrays give the same bytes on every machine.
"""

import mmap
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar
from zlib import crc32

import msgspec
import numpy as np

from adapters.partial import part_beside
from core.errors import RejectedError
from core.index.parts import Array, named_arrays, part_of

_PREFIX = struct.Struct("<8sIII")
_ALIGNED = 64

Figures = TypeVar("Figures", bound=msgspec.Struct)
Arrays = TypeVar("Arrays", bound=msgspec.Struct)


class DamagedSnapshotError(RejectedError):
    """A file that is no snapshot, or not the whole of one, or one of another format."""


class StoredArray(msgspec.Struct, frozen=True, kw_only=True):
    """Where an array lies: so many bytes behind the header."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    checksum: int


class Header(msgspec.Struct, Generic[Figures], frozen=True, kw_only=True):
    """What stands at the beginning of the file. `length` is of all the arrays."""

    figures: Figures
    arrays: dict[str, StoredArray]
    length: int


class ArrayFile(Generic[Figures, Arrays]):
    """One kind of such files: what it is called, its format, and what is in it."""

    def __init__(
        self, magic: bytes, file_format: str, figures: type[Figures], arrays: type[Arrays]
    ) -> None:
        """Shape: `magic` eight bytes; `file_format` a number that changes with the meaning."""
        self._magic = magic
        self._format = int(file_format)
        self._arrays = arrays
        self._header: msgspec.json.Decoder[Header[Figures]] = msgspec.json.Decoder(
            Header[figures]  # type: ignore[valid-type]
        )

    def write(self, figures: Figures, arrays: Arrays, path: Path) -> None:
        """Write in one step: whoever opens `path` finds it whole, or what was there before.

        Raises: OSError where the disk does not take it.
        """
        with part_beside(path) as part:
            with part.open("wb") as file:
                self._write(figures, arrays, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name is to outlive a power cut as well
        finally:
            os.close(folder)

    def open(self, path: Path) -> tuple[Figures, Arrays]:
        """Map the file into memory and check every byte of it.

        Raises: DamagedSnapshotError for a file that is not as it was written, OSError.
        """
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _PREFIX.size:
                raise DamagedSnapshotError(f"{path} is too short for a snapshot")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            header, start = self._checked(mapped, path)
        except BaseException:
            mapped.close()
            raise
        found = {name: _array(mapped, start, one) for name, one in header.arrays.items()}
        return header.figures, part_of(self._arrays, found)

    def _write(self, figures: Figures, arrays: Arrays, file: BinaryIO) -> None:
        named = dict(_little_endian(arrays))
        stored: dict[str, StoredArray] = {}
        offset = 0
        for name, array in named.items():
            filling = _filling(array.nbytes)
            stored[name] = StoredArray(
                dtype=array.dtype.str,
                shape=array.shape,
                offset=offset,
                checksum=crc32(filling, crc32(_bytes(array))),
            )
            offset += array.nbytes + len(filling)
        text = msgspec.json.encode(Header(figures=figures, arrays=stored, length=offset))
        text = text.ljust(len(text) + -(len(text) + _PREFIX.size) % _ALIGNED)
        file.write(_PREFIX.pack(self._magic, self._format, len(text), crc32(text)) + text)
        for array in named.values():
            file.write(_bytes(array))
            file.write(_filling(array.nbytes))

    def _checked(self, mapped: mmap.mmap, path: Path) -> tuple[Header[Figures], int]:
        """The header, and where the first array begins."""
        magic, version, length, checksum = _PREFIX.unpack(mapped[: _PREFIX.size])
        if magic != self._magic:
            raise DamagedSnapshotError(f"{path} is no snapshot")
        if version != self._format:
            raise DamagedSnapshotError(
                f"{path} is of format {version}, this release reads {self._format}"
            )
        start = _PREFIX.size + length
        text = mapped[_PREFIX.size : start]
        if len(text) != length or crc32(text) != checksum:
            raise DamagedSnapshotError(f"the header of {path} is damaged")
        header = self._header.decode(text)
        if len(mapped) != start + header.length:
            raise DamagedSnapshotError(f"{path} has {len(mapped)} bytes of {start + header.length}")
        _check_arrays(mapped, start, header.arrays, header.length, path)
        return header, start


def _little_endian(arrays: msgspec.Struct) -> Iterator[tuple[str, Array]]:
    for name, array in named_arrays(arrays):
        yield name, np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def _bytes(array: Array) -> memoryview | bytes:
    return array.data.cast("B") if array.nbytes else b""


def _filling(length: int) -> bytes:
    return bytes(-length % _ALIGNED)


def _check_arrays(
    mapped: mmap.mmap, start: int, arrays: Mapping[str, StoredArray], length: int, path: Path
) -> None:
    begins = [one.offset for one in arrays.values()]
    ends = [*begins[1:], length]
    with memoryview(mapped) as whole:
        for (name, one), end in zip(arrays.items(), ends, strict=True):
            with whole[start + one.offset : start + end] as part:
                if crc32(part) != one.checksum:
                    raise DamagedSnapshotError(f"{name} in {path} is damaged")


def _array(mapped: mmap.mmap, start: int, one: StoredArray) -> Array:
    count = int(np.prod(one.shape, dtype=np.int64))
    if not count:
        return np.zeros(one.shape, dtype=one.dtype)
    found: Array = np.frombuffer(mapped, one.dtype, count=count, offset=start + one.offset)
    return found.reshape(one.shape)
