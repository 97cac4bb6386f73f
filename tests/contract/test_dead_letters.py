"""What every `DeadLetters` holds: letters lie there whole, the newest within the bound."""

import msgspec
import pytest

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.redis.dead_letters import RedisDeadLetters
from core.queues import DeadLetter, DeadLetters
from tests.build import NOW_MS

BOUND = 150
MAX_BYTES = 1_000_000


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
        reason="bad-time",
        entry_id=f"1-{number}",
        message_id=f"m{number}",
        body=b"{}",
        received_ms=NOW_MS,
    )


class TestDeadLetters:
    @pytest.fixture(params=["memory", "server", "cluster"])
    def opened(self, request: pytest.FixtureRequest) -> Opened:
        if request.param == "memory":
            memory = InMemoryDeadLetters(
                max_letters=BOUND, max_bytes=MAX_BYTES, clock_ms=lambda: NOW_MS
            )
            return Opened(memory, slack=0)
        client = request.getfixturevalue(f"{request.param}_client")
        # The server drops whole nodes of a stream, a hundred entries each.
        letters = RedisDeadLetters(client, max_letters=BOUND, max_bytes=MAX_BYTES)
        return Opened(letters, slack=100)

    async def test_a_letter_lies_there_whole(self, opened: Opened) -> None:
        full = DeadLetter(
            reason="bad-body",
            entry_id="1764000000000-0",
            message_id="männer-1",
            body=bytes(range(256)),
            call_type="track",
            received_ms=1_764_000_000_123,
            deliveries=7,
            part=3,
        )
        await opened.letters.add([full])
        assert await opened.stored() == [full]

    async def test_a_letter_without_a_message_id_lies_there_too(self, opened: Opened) -> None:
        nameless = DeadLetter(
            reason="no-json", entry_id="1-1", message_id=None, body=b"", received_ms=NOW_MS
        )
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

    async def test_a_letter_that_comes_again_lies_there_once(self, opened: Opened) -> None:
        """An entry whose worker died before the acknowledgement is handled twice."""
        await opened.letters.add([letter(1), letter(2)])
        await opened.letters.add([letter(2), letter(3), letter(3)])
        assert await opened.stored() == [letter(1), letter(2), letter(3)]
        assert await opened.letters.count() == 3

    async def test_letters_of_two_shards_are_two_though_their_entries_have_one_id(
        self, opened: Opened
    ) -> None:
        both = [msgspec.structs.replace(letter(1), shard=shard) for shard in (0, 1)]
        await opened.letters.add(both)
        assert await opened.stored() == both

    async def test_two_letters_of_one_entry_are_two(self, opened: Opened) -> None:
        both = [msgspec.structs.replace(letter(1), part=part) for part in (0, 1)]
        await opened.letters.add(both)
        assert await opened.stored() == both

    async def test_past_the_bound_of_bytes_the_newest_stay(self, opened: Opened) -> None:
        large = [
            msgspec.structs.replace(letter(number), body=b"x" * 20_000) for number in range(100)
        ]
        for one in large:
            await opened.letters.add([one])
        stored = await opened.stored()
        assert 20 <= len(stored) <= 50
        assert stored == large[-len(stored) :]

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
