"""Many strings as two arrays, which can lie in a file, and where a string stands among them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from core.ragged import Rows, Starts, starts_of


class StringTable(msgspec.Struct, frozen=True):
    """A sequence of strings. Shape: `starts` (n + 1,) into `characters`, their UTF-8 bytes."""

    starts: Starts
    characters: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, strings: Sequence[str]) -> "StringTable":
        """The same strings in the same order."""
        return cls.of_bytes(_encoded(strings))

    @classmethod
    def of_bytes(cls, encoded: Sequence[bytes]) -> "StringTable":
        """Strings that are encoded already."""
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        return cls(starts_of(lengths), np.frombuffer(b"".join(encoded), dtype=np.uint8))

    def __len__(self) -> int:
        """Number of strings."""
        return len(self.starts) - 1

    def __getitem__(self, index: int) -> str:
        """One of them."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.bytes_at(index).decode("utf-8", "surrogatepass")

    def __iter__(self) -> Iterator[str]:
        """All of them."""
        return iter(self.take(np.arange(len(self))))

    def bytes_at(self, index: int) -> bytes:
        """One of them as it is stored."""
        return self.characters[self.starts[index] : self.starts[index + 1]].tobytes()

    def take(self, rows: Rows) -> list[str]:
        """Many of them, much faster than one by one."""
        stored = self.characters.data
        stretches = zip(self.starts[rows].tolist(), self.starts[rows + 1].tolist(), strict=True)
        return [str(stored[begin:end], "utf-8", "surrogatepass") for begin, end in stretches]

    def index(self, text: str) -> int | None:
        """Where `text` stands in a sorted table, None where it does not."""
        place = bisect_left(self, text)
        return place if place < len(self) and self[place] == text else None


class StringLookup(msgspec.Struct, frozen=True):
    """Finds strings of a table by their hash. Shape: (n,), ascending by hash."""

    hashes: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.int32]

    @classmethod
    def of(cls, table: StringTable) -> "StringLookup":
        """The lookup for a table; strings may stand in it once only."""
        hashes = _hashes([table.bytes_at(row) for row in range(len(table))])
        rows = np.argsort(hashes, kind="stable").astype(np.int32)
        return cls(hashes[rows], rows)

    def find(self, table: StringTable, wanted: Sequence[str]) -> Rows:
        """The row of each string, -1 where there is none. Shape: (len(wanted),)."""
        encoded = _encoded(wanted)
        asked = _hashes(encoded)
        places = np.searchsorted(self.hashes, asked).tolist()
        # One by one: for the few ids of an answer that is faster than arrays.
        hashes, rows = self.hashes.data, self.rows.data
        starts, characters = table.starts.data, table.characters.data
        found = np.full(len(encoded), -1, dtype=np.intp)
        for index, (one, number) in enumerate(zip(encoded, asked.tolist(), strict=True)):
            place = places[index]
            while place < len(hashes) and hashes[place] == number:
                row = rows[place]
                if characters[starts[row] : starts[row + 1]] == one:
                    found[index] = row
                    break
                place += 1  # another string of the same hash
        return found


class RememberedRows:
    """The rows of strings, of those asked for before without looking again.

    Unknown strings are not remembered: whoever asks may make up any number of them.
    """

    __slots__ = ("_lookup", "_most", "_rows", "_table")

    def __init__(self, table: StringTable, lookup: StringLookup, most: int = 65_536) -> None:
        """`most` bounds how many are remembered: some 100 bytes each."""
        self._table = table
        self._lookup = lookup
        self._most = most
        self._rows: dict[str, int] = {}

    def find(self, wanted: Sequence[str]) -> Rows:
        """The row of each string, -1 where there is none. Shape: (len(wanted),)."""
        known = self._rows
        if not all(map(known.__contains__, wanted)):
            self._look(wanted)
        return np.array([known.get(one, -1) for one in wanted], dtype=np.intp)

    def _look(self, wanted: Sequence[str]) -> None:
        if len(self._rows) + len(wanted) > self._most:
            self._rows.clear()
        missing = [one for one in wanted if one not in self._rows]
        for one, row in zip(missing, self._lookup.find(self._table, missing).tolist(), strict=True):
            if row >= 0:
                self._rows[one] = row


def _encoded(strings: Sequence[str]) -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in strings]


def _hashes(encoded: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    return np.fromiter(map(crc32, encoded), dtype=np.uint32, count=len(encoded))
