"""The dead letters in the memory of one process."""

from collections.abc import AsyncIterator, Callable, Sequence

import msgspec

from core.queues import DeadLetter, StoredLetter


class InMemoryDeadLetters:
    """The latest rejected events, bounded by number and bytes."""

    def __init__(self, *, max_letters: int, max_bytes: int, clock_ms: Callable[[], int]) -> None:
        """Keep at most `max_letters` of together `max_bytes`, the newest."""
        self._max_letters = max_letters
        self._max_bytes = max_bytes
        self._clock_ms = clock_ms
        self._count = 0
        self._bytes = 0
        self._stored: dict[str, StoredLetter] = {}
        self._known: dict[tuple[int, str, int], None] = {}

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store those that are not there yet, the oldest giving way past the bounds."""
        for letter in letters:
            name = (letter.shard, letter.entry_id, letter.part)
            if name in self._known:
                continue
            self._known[name] = None
            self._count += 1
            letter_id = str(self._count)
            self._stored[letter_id] = StoredLetter(
                letter_id=letter_id, letter=letter, given_up_ms=self._clock_ms()
            )
            self._bytes += len(letter.body)
        while len(self._known) > self._max_letters:
            del self._known[next(iter(self._known))]
        while len(self._stored) > self._max_letters or self._bytes > self._max_bytes:
            self._remove(next(iter(self._stored)))

    async def count(self) -> int:
        """How many lie there."""
        return len(self._stored)

    async def latest(self, *, limit: int) -> Sequence[StoredLetter]:
        """The newest ones, newest first."""
        return list(reversed(self._stored.values()))[:limit]

    async def find(self, letter_ids: Sequence[str]) -> Sequence[StoredLetter]:
        """Those of the ids that are there, in the order asked."""
        return [self._stored[one] for one in letter_ids if one in self._stored]

    async def drop(self, letter_ids: Sequence[str]) -> int:
        """Remove them; how many were there."""
        there = [letter_id for letter_id in letter_ids if letter_id in self._stored]
        for letter_id in there:
            self._remove(letter_id)
        return len(there)

    async def pages(self) -> AsyncIterator[Sequence[StoredLetter]]:
        """All that lie there now, oldest first."""
        yield list(self._stored.values())

    async def replace(self, letter_id: str, body: bytes | None) -> bool:
        """Give a letter another body, None: remove it; whether it was there."""
        if (stored := self._stored.get(letter_id)) is None:
            return False
        self._remove(letter_id)
        if body is not None:
            letter = msgspec.structs.replace(stored.letter, body=body)
            self._count += 1
            letter_id = str(self._count)
            self._stored[letter_id] = msgspec.structs.replace(
                stored, letter_id=letter_id, letter=letter
            )
            self._bytes += len(body)
        return True

    def _remove(self, letter_id: str) -> None:
        self._bytes -= len(self._stored.pop(letter_id).letter.body)
