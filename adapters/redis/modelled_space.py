"""For which vector space the models were last rebuilt, as one key."""

from typing import Any

from adapters.redis.connection import Client, driver_errors
from adapters.redis.keys import MODELLED_SPACE


class RedisModelledSpace:
    """A `ModelledSpace` that outlives every process."""

    def __init__(self, client: Client) -> None:
        """Keep the client."""
        self._client = client

    async def get(self) -> str | None:
        """The space, None before the first time."""
        with driver_errors("reading what the models were built for"):
            found: Any = await self._client.get(MODELLED_SPACE)
        return found.decode() if found is not None else None

    async def set(self, space: str) -> None:
        """Remember it."""
        with driver_errors("noting what the models were built for"):
            await self._client.set(MODELLED_SPACE, space)
