"""`ScreenedLetters`: dead letters among which no erased person gets, nor comes back."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from core.erasing.bodies import without_person
from core.erasing.naming import ids_in
from core.erasing.sweep import Sweep
from core.queues import DeadLetter, DeadLetters, StoredLetter


class ScreenedLetters:
    """`DeadLetters` that look for tombstones before and after they store (`core.erasing.sweep`)."""

    def __init__(self, letters: DeadLetters, sweep: Sweep, clock_ms: Callable[[], int]) -> None:
        """Keep where letters lie."""
        self._letters = letters
        self._sweep = sweep
        self._clock_ms = clock_ms

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store those that are not there yet, without the events of who has a tombstone.

        Of who withdrew a consent, what was received before is left out.
        """
        if not letters:
            return
        named = [ids_in(letter.body) for letter in letters]
        ids = set().union(*named)
        refused = await self._sweep.refused(ids, now_ms=self._clock_ms())
        screened = [
            _without(letter, ids_named & refused.keys(), refused)
            for letter, ids_named in zip(letters, named, strict=True)
        ]
        await self._letters.add([one for one in screened if one is not None])
        # Those that were met before, too: a worker that died may have stored them.
        refused = await self._sweep.refused(ids, now_ms=self._clock_ms())
        for until_ms in set(refused.values()):
            met = {one for one, ms in refused.items() if ms == until_ms}
            await self._sweep.clean_letters(met, until_ms=until_ms)

    async def count(self) -> int:
        """How many lie there."""
        return await self._letters.count()

    async def latest(self, *, limit: int) -> Sequence[StoredLetter]:
        """The newest ones, newest first."""
        return await self._letters.latest(limit=limit)

    async def find(self, letter_ids: Sequence[str]) -> Sequence[StoredLetter]:
        """Those of the ids that are there, in the order asked."""
        return await self._letters.find(letter_ids)

    async def drop(self, letter_ids: Sequence[str]) -> int:
        """Remove them; how many were there."""
        return await self._letters.drop(letter_ids)

    def pages(self) -> AsyncIterator[Sequence[StoredLetter]]:
        """All that lie there now, oldest first."""
        return self._letters.pages()

    async def replace(self, letter_id: str, body: bytes | None) -> bool:
        """Give a letter another body, None: remove it; whether it was there."""
        return await self._letters.replace(letter_id, body)


def _without(
    letter: DeadLetter, met: frozenset[str], refused: Mapping[str, int]
) -> DeadLetter | None:
    """A letter without the events of those whose tombstone refuses it."""
    gone = {one for one in met if letter.received_ms <= refused[one]}
    body = without_person(letter.body, gone) if gone else letter.body
    return None if body is None else msgspec.structs.replace(letter, body=body)
