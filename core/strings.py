"""Many strings as two arrays, which can lie in a file, and where a string stands among them."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from core.ragged import Rows, Starts, spans, starts_of

_PRIME = np.uint64(0x9E3779B97F4A7C15)
"""Any odd constant would do; this one, 2^64 over the golden ratio, spreads well."""
_AT_ONCE = 1 << 16
"""Strings hashed in one go: the products of more would be gigabytes."""


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

    def chosen(self, rows: Rows) -> "StringTable":
        """A table of some of them."""
        begins = self.starts[rows]
        lengths = self.starts[rows + 1] - begins
        return StringTable(starts_of(lengths), self.characters[spans(begins, lengths)])

    def index(self, text: str) -> int | None:
        """Where `text` stands in a sorted table, None where it does not."""
        place = bisect_left(self, text)
        return place if place < len(self) and self[place] == text else None

    def hashes(self) -> npt.NDArray[np.uint32]:
        """A number for each string that depends on nothing else. Shape: (n,)."""
        parts = [self._hashes(first) for first in range(0, len(self), _AT_ONCE)]
        return np.concatenate([np.zeros(0, dtype=np.uint32), *parts])

    def _hashes(self, first: int) -> npt.NDArray[np.uint32]:
        """Sums of byte times power of a constant, modulo 2^64, of which the upper half is best."""
        starts = self.starts[first : first + _AT_ONCE + 1]
        lengths = np.diff(starts)
        within = spans(np.zeros_like(lengths), lengths)
        powers = np.cumprod(np.full(int(lengths.max(initial=0)) + 1, _PRIME))
        values = self.characters[starts[0] : starts[-1]].astype(np.uint64) + np.uint64(1)
        sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(values * powers[within])])
        ends = starts - starts[0]
        mixed = (sums[ends[1:]] - sums[ends[:-1]]) * _PRIME
        hashes: npt.NDArray[np.uint32] = (mixed >> np.uint64(32)).astype(np.uint32)
        return hashes

    def same_as(self, rows: Rows, others: "StringTable") -> npt.NDArray[np.bool_]:
        """Whether each of `rows` is the string beside it. Shape: (len(others),)."""
        begins = self.starts[rows]
        lengths = self.starts[rows + 1] - begins
        wanted = np.diff(others.starts)
        same: npt.NDArray[np.bool_] = lengths == wanted
        compared = np.flatnonzero(same)
        mine = self.characters[spans(begins[compared], lengths[compared])]
        theirs = others.characters[spans(others.starts[compared], wanted[compared])]
        ends = starts_of(lengths[compared])
        differing = starts_of(mine != theirs)
        same[compared] = differing[ends[1:]] == differing[ends[:-1]]
        return same


class StringLookup(msgspec.Struct, frozen=True):
    """Finds strings of a table by their hash. Shape: (n,), ascending by hash."""

    hashes: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.int32]

    @classmethod
    def of(cls, table: StringTable) -> "StringLookup":
        """The lookup for a table; strings may stand in it once only."""
        hashes = table.hashes()
        rows = np.argsort(hashes, kind="stable").astype(np.int32)
        return cls(hashes[rows], rows)

    def find(self, table: StringTable, wanted: Sequence[str]) -> Rows:
        """The row of each string, -1 where there is none. Shape: (len(wanted),)."""
        asked = StringTable.of(wanted)
        hashes = asked.hashes()
        places = np.searchsorted(self.hashes, hashes)
        found = np.full(len(asked), -1, dtype=np.intp)
        left = np.arange(len(asked))
        while len(left):  # again only for who shares a hash with another
            left = left[places[left] < len(self.hashes)]
            left = left[self.hashes[places[left]] == hashes[left]]
            rows = self.rows[places[left]].astype(np.intp)
            same = table.same_as(rows, asked.chosen(left))
            found[left[same]] = rows[same]
            left = left[~same]
            places[left] += 1
        return found


def _encoded(strings: Sequence[str]) -> list[bytes]:
    return [text.encode("utf-8", "surrogatepass") for text in strings]
