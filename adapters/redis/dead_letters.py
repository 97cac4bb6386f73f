"""Events and entries that could not be used, in a bounded stream."""

from collections.abc import Sequence

from redis.asyncio import Redis

from adapters.redis.connection import driver_errors
from adapters.redis.keys import DEAD_LETTERS
from adapters.redis.stream import Fields
from core.ports import DeadLetter


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
                    }
                    pipe.xadd(DEAD_LETTERS, fields, maxlen=self._max_letters, approximate=True)
                await pipe.execute()
