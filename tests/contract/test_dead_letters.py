"""What every `DeadLetters` holds: letters lie there whole, the newest within the bound."""

import msgspec
import pytest

from adapters.memory.stream import InMemoryDeadLetters
from adapters.redis.dead_letters import RedisDeadLetters
from core.ports import DeadLetter, DeadLetters

BOUND = 150


class Opened(msgspec.Struct, frozen=True):
    """Where letters go, and how many more than the bound may lie there."""

    letters: DeadLetters
    slack: int

    async def stored(self) -> list[DeadLetter]:
        """What lies there, oldest first."""
        latest = await self.letters.latest(limit=10_000)
        return [one.letter for one in reversed(latest)]


def letter(number: int) -> DeadLetter:
    return DeadLetter(
        reason="bad-time", entry_id=f"1-{number}", message_id=f"m{number}", body=b"{}"
    )


class TestDeadLetters:
    @pytest.fixture(params=["memory", "redis"])
    def opened(self, request: pytest.FixtureRequest) -> Opened:
        if request.param == "memory":
            return Opened(InMemoryDeadLetters(max_letters=BOUND), slack=0)
        client = request.getfixturevalue("client")
        # The server drops whole nodes of a stream, a hundred entries each.
        return Opened(RedisDeadLetters(client, max_letters=BOUND), slack=100)

    async def test_a_letter_lies_there_whole(self, opened: Opened) -> None:
        full = DeadLetter(
            reason="bad-body",
            entry_id="1764000000000-0",
            message_id="männer-1",
            body=bytes(range(256)),
            call_type="track",
        )
        await opened.letters.add([full])
        assert await opened.stored() == [full]

    async def test_a_letter_without_a_message_id_lies_there_too(self, opened: Opened) -> None:
        nameless = DeadLetter(reason="no-json", entry_id="1-1", message_id=None, body=b"")
        await opened.letters.add([nameless])
        assert await opened.stored() == [nameless]

    async def test_no_letters_change_nothing(self, opened: Opened) -> None:
        await opened.letters.add([])
        assert await opened.stored() == []

    async def test_letters_keep_their_order(self, opened: Opened) -> None:
        await opened.letters.add([letter(1), letter(2)])
        await opened.letters.add([letter(3)])
        assert await opened.stored() == [letter(1), letter(2), letter(3)]

    @pytest.mark.parametrize("at_once", [1, 50, 1000])
    async def test_past_the_bound_the_newest_stay(self, opened: Opened, at_once: int) -> None:
        letters = [letter(number) for number in range(1000)]
        for start in range(0, len(letters), at_once):
            await opened.letters.add(letters[start : start + at_once])
        stored = await opened.stored()
        assert BOUND <= len(stored) <= BOUND + opened.slack
        assert stored == letters[-len(stored) :]

    async def test_the_latest_come_newest_first(self, opened: Opened) -> None:
        await opened.letters.add([letter(number) for number in range(5)])
        latest = await opened.letters.latest(limit=2)
        assert [one.letter for one in latest] == [letter(4), letter(3)]

    async def test_letters_are_found_and_dropped_by_their_ids(self, opened: Opened) -> None:
        await opened.letters.add([letter(1), letter(2), letter(3)])
        third, second, first = await opened.letters.latest(limit=3)
        wanted = [first.letter_id, third.letter_id, "9-9"]
        assert await opened.letters.find(wanted) == [first, third]
        assert await opened.letters.drop(wanted) == 2
        assert await opened.letters.find(wanted) == []
        assert await opened.stored() == [second.letter]
