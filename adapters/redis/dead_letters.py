"""Events and entries that could not be used, in a bounded stream."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from adapters.redis.connection import driver_errors
from adapters.redis.keys import DEAD_LETTERS
from adapters.redis.stream import Fields
from core.errors import RejectedError
from core.ports import DeadLetter, StoredLetter


class RedisDeadLetters:
    """Rejected events in a bounded stream, newest kept."""

    def __init__(self, client: Redis, *, max_letters: int) -> None:
        """Keep about `max_letters`."""
        self._client = client
        self._max_letters = max_letters

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store them, the oldest giving way past the bound."""
        if not letters:
            return
        with driver_errors("storing dead letters"):
            async with self._client.pipeline(transaction=False) as pipe:
                for letter in letters:
                    fields: Fields = {
                        "reason": letter.reason,
                        "entry_id": letter.entry_id,
                        "message_id": letter.message_id or "",
                        "body": letter.body,
                        "call_type": letter.call_type or "",
                    }
                    pipe.xadd(DEAD_LETTERS, fields, maxlen=self._max_letters, approximate=True)
                await pipe.execute()

    async def latest(self, *, limit: int) -> Sequence[StoredLetter]:
        """The newest ones, newest first."""
        with driver_errors("reading dead letters"):
            found: Any = await self._client.xrevrange(DEAD_LETTERS, count=limit)
        return [_stored(letter_id, fields) for letter_id, fields in found]

    async def find(self, letter_ids: Sequence[str]) -> Sequence[StoredLetter]:
        """Those of the ids that are there, in the order asked.

        Raises: RejectedError for what is no id.
        """
        if not letter_ids:
            return []
        with driver_errors("reading dead letters"), _ids_that_are_ids():
            async with self._client.pipeline(transaction=False) as pipe:
                for letter_id in letter_ids:
                    pipe.xrange(DEAD_LETTERS, letter_id, letter_id)
                found: list[Any] = await pipe.execute()
        return [_stored(letter_id, fields) for entries in found for letter_id, fields in entries]

    async def drop(self, letter_ids: Sequence[str]) -> int:
        """Remove them; how many were there. Raises: RejectedError for what is no id."""
        if not letter_ids:
            return 0
        with driver_errors("dropping dead letters"), _ids_that_are_ids():
            return int(await self._client.xdel(DEAD_LETTERS, *letter_ids))


def _stored(letter_id: bytes, fields: Mapping[bytes, bytes]) -> StoredLetter:
    return StoredLetter(
        letter_id=letter_id.decode(),
        letter=DeadLetter(
            reason=fields[b"reason"].decode(),
            entry_id=fields[b"entry_id"].decode(),
            message_id=fields[b"message_id"].decode() or None,
            body=fields[b"body"],
            call_type=fields.get(b"call_type", b"").decode() or None,
        ),
    )


@contextmanager
def _ids_that_are_ids() -> Iterator[None]:
    try:
        yield
    except ResponseError as exc:
        if "Invalid stream ID" not in str(exc):
            raise
        raise RejectedError("a dead letter's id looks like 1764000000000-0") from exc
