"""Stores in memory that are away, or hang, when a test says so."""

import asyncio
import copy
from collections.abc import Iterable, Mapping, Sequence

from adapters.memory.content_store import InMemoryContentStore
from adapters.memory.user_models import InMemoryUserModelStore
from core.columns import ContentRows
from core.content import Content, ContentFilter
from core.errors import RetryableError
from core.signals import UserSignals


class Harmed:
    """What a store under test does instead of answering, while it is told to."""

    error: Exception | None = None
    hangs = False
    away_for: str | None = None
    asked = 0

    async def meet(self, user_id: str = "") -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if user_id and user_id == self.away_for:
            raise RetryableError("its node is away")
        if self.error is not None:
            raise self.error


class Models(InMemoryUserModelStore):
    """Models that may be away."""

    def __init__(self) -> None:
        super().__init__(ttl_s=60, clock_s=lambda: 0.0)
        self.harm = Harmed()

    async def get_signals(self, user_id: str) -> UserSignals | None:
        await self.harm.meet(user_id)
        return await super().get_signals(user_id)


class Contents(InMemoryContentStore):
    """A catalogue that may be away; an answer asks it for a sample first."""

    def __init__(self, contents: Iterable[Content]) -> None:
        super().__init__(contents)
        self.harm = Harmed()

    def edition(self) -> "Contents":
        return copy.copy(self)

    async def sample(self, *, limit: int, seed: int, where: ContentFilter) -> ContentRows:
        await self.harm.meet()
        return await super().sample(limit=limit, seed=seed, where=where)

    async def get(self, content_ids: Sequence[str]) -> Mapping[str, Content]:
        await self.harm.meet()
        return await super().get(content_ids)
