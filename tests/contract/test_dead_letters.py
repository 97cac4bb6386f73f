"""What every `DeadLetters` holds: letters lie there whole, the newest within the bound."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from adapters.memory.stream import InMemoryDeadLetters
from adapters.redis.dead_letters import RedisDeadLetters
from adapters.redis.keys import DEAD_LETTERS
from core.ports import DeadLetter, DeadLetters

BOUND = 150


class Opened(msgspec.Struct, frozen=True):
    """Where letters go, a way to see what lies there, and how many more may lie there."""

    letters: DeadLetters
    stored: Callable[[], Awaitable[Sequence[DeadLetter]]]
    slack: int


def letter(number: int) -> DeadLetter:
    return DeadLetter(
        reason="bad-time", entry_id=f"1-{number}", message_id=f"m{number}", body=b"{}"
    )


async def letters_in(client: Redis) -> list[DeadLetter]:
    found: Any = await client.xrange(DEAD_LETTERS)
    return [
        DeadLetter(
            reason=fields[b"reason"].decode(),
            entry_id=fields[b"entry_id"].decode(),
            message_id=fields[b"message_id"].decode() or None,
            body=fields[b"body"],
        )
        for _, fields in found
    ]


class TestDeadLetters:
    @pytest.fixture(params=["memory", "redis"])
    def opened(self, request: pytest.FixtureRequest) -> Opened:
        if request.param == "memory":
            memory = InMemoryDeadLetters(max_letters=BOUND)

            async def kept() -> Sequence[DeadLetter]:
                return memory.letters

            return Opened(memory, kept, slack=0)
        client = request.getfixturevalue("client")
        letters = RedisDeadLetters(client, max_letters=BOUND)
        # The server drops whole nodes of a stream, a hundred entries each.
        return Opened(letters, lambda: letters_in(client), slack=100)

    async def test_a_letter_lies_there_whole(self, opened: Opened) -> None:
        full = DeadLetter(
            reason="bad-body",
            entry_id="1764000000000-0",
            message_id="männer-1",
            body=bytes(range(256)),
        )
        await opened.letters.add([full])
        assert list(await opened.stored()) == [full]

    async def test_a_letter_without_a_message_id_lies_there_too(self, opened: Opened) -> None:
        nameless = DeadLetter(reason="no-json", entry_id="1-1", message_id=None, body=b"")
        await opened.letters.add([nameless])
        assert list(await opened.stored()) == [nameless]

    async def test_no_letters_change_nothing(self, opened: Opened) -> None:
        await opened.letters.add([])
        assert list(await opened.stored()) == []

    async def test_letters_keep_their_order(self, opened: Opened) -> None:
        await opened.letters.add([letter(1), letter(2)])
        await opened.letters.add([letter(3)])
        assert list(await opened.stored()) == [letter(1), letter(2), letter(3)]

    @pytest.mark.parametrize("at_once", [1, 50, 1000])
    async def test_past_the_bound_the_newest_stay(self, opened: Opened, at_once: int) -> None:
        letters = [letter(number) for number in range(1000)]
        for start in range(0, len(letters), at_once):
            await opened.letters.add(letters[start : start + at_once])
        stored = list(await opened.stored())
        assert BOUND <= len(stored) <= BOUND + opened.slack
        assert stored == letters[-len(stored) :]
