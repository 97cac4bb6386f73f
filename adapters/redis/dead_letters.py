"""Events and entries that could not be used, in a bounded stream."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from redis.exceptions import ResponseError

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import DEAD_LETTERS, KNOWN_LETTERS
from adapters.redis.scripts import Call, Script, run_script
from core.errors import RejectedError
from core.queues import DeadLetter, StoredLetter

_LETTERS_A_CALL = 500

# An entry that is handled twice leaves its letters once. Past the bound of
# memory the oldest tenth goes too, so that this is not done for every letter.
_ADD = Script("""
local letters, known = KEYS[1], KEYS[2]
local name, keep, max_bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('ZADD', known, 'NX', redis.call('TIME')[1], name) == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', known, 0, -keep - 1)
redis.call('XADD', letters, 'MAXLEN', '~', keep, '*', unpack(ARGV, 4))
local used = redis.call('MEMORY', 'USAGE', letters)
if used > max_bytes then
  local length = redis.call('XLEN', letters)
  redis.call('XTRIM', letters, 'MAXLEN', math.floor(0.9 * length * max_bytes / used))
end
return 1
""")

# In one step, so that a letter is never there twice, nor lost.
_REPLACE = Script("""
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
if #ARGV > 1 then redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2)) end
return 1
""")
_LETTERS_A_PAGE = 100


class RedisDeadLetters:
    """Rejected events in a stream bounded by number and memory, newest kept."""

    def __init__(self, client: Client, *, max_letters: int, max_bytes: int) -> None:
        """Keep about `max_letters`, in about `max_bytes` of Redis's memory."""
        self._client = client
        self._max_letters = max_letters
        self._max_bytes = max_bytes

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Store those that are not there yet, the oldest giving way past the bounds."""
        with driver_errors("storing dead letters"):
            for start in range(0, len(letters), _LETTERS_A_CALL):
                part = letters[start : start + _LETTERS_A_CALL]
                await run_script(self._client, _ADD, [self._call(letter) for letter in part])

    async def count(self) -> int:
        """How many lie there."""
        with driver_errors("counting dead letters"):
            return int(await self._client.xlen(DEAD_LETTERS))

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

    async def pages(self) -> AsyncIterator[Sequence[StoredLetter]]:
        """All that lie there now, oldest first."""
        with driver_errors("reading dead letters"):
            last: Any = await self._client.xrevrange(DEAD_LETTERS, count=1)
        start = "-"
        while last:
            with driver_errors("reading dead letters"):
                found: Any = await self._client.xrange(
                    DEAD_LETTERS, start, last[0][0], count=_LETTERS_A_PAGE
                )
            if not found:
                return
            yield [_stored(letter_id, fields) for letter_id, fields in found]
            start = f"({found[-1][0].decode()}"

    async def replace(self, letter_id: str, body: bytes | None) -> bool:
        """Give a letter another body, None: remove it; whether it was there."""
        found = await self.find([letter_id])
        if not found:
            return False
        [stored] = found
        fields: list[Any] = []
        if body is not None:
            letter = msgspec.structs.replace(stored.letter, body=body)
            fields = [*_fields(letter), "given_up_ms", stored.given_up_ms]
        with driver_errors("replacing a dead letter"):
            [was_there] = await run_script(
                self._client, _REPLACE, [Call((DEAD_LETTERS,), (letter_id, *fields))]
            )
        return bool(was_there)

    def _call(self, letter: DeadLetter) -> Call:
        name = f"{letter.shard}/{letter.entry_id}#{letter.part}"
        bounds = (self._max_letters, self._max_bytes)
        return Call((DEAD_LETTERS, KNOWN_LETTERS), (name, *bounds, *_fields(letter)))


def _fields(letter: DeadLetter) -> list[Any]:
    fields = {
        "reason": letter.reason,
        "entry_id": letter.entry_id,
        "shard": letter.shard,
        "part": letter.part,
        "message_id": letter.message_id or "",
        "body": letter.body,
        "call_type": letter.call_type or "",
        "received_ms": letter.received_ms,
        "deliveries": letter.deliveries,
    }
    return [part for pair in fields.items() for part in pair]


def _stored(letter_id: bytes, fields: Mapping[bytes, bytes]) -> StoredLetter:
    # One that was replaced has a later id than it was given up.
    given_up_ms = int(fields.get(b"given_up_ms", letter_id.partition(b"-")[0]))
    return StoredLetter(
        letter_id=letter_id.decode(),
        given_up_ms=given_up_ms,
        letter=DeadLetter(
            reason=fields[b"reason"].decode(),
            entry_id=fields[b"entry_id"].decode(),
            shard=int(fields.get(b"shard", 0)),
            part=int(fields.get(b"part", 0)),
            message_id=fields[b"message_id"].decode() or None,
            body=fields[b"body"],
            call_type=fields.get(b"call_type", b"").decode() or None,
            received_ms=int(fields.get(b"received_ms", given_up_ms)),
            deliveries=int(fields.get(b"deliveries", 1)),
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
