"""`Remodelling`: after a catalogue of another vector space every model is rebuilt, gently.

A visitor's vectors of the old space say nothing in the new one: until their
model is rebuilt they are recommended to by tags alone.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import structlog

from core.errors import RetryableError
from core.log_names import REMODELLING_ENDED, REMODELLING_FAILED, REMODELLING_STARTED
from core.ports import EventBuffer, UserModelStore
from core.queues import DueQueue
from core.shelf import ModelledSpace
from ingest_worker.counting.walk import user_groups

_log = structlog.get_logger()


class RemodellingPace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast models are rebuilt, and how long those of a few users are waited for."""

    users_at_once: int = 100
    users_a_second: float = 200.0
    patience_s: float = 60.0
    every_s: float = 2.0


class Remodelling:
    """Marks users due whose model is of another space, a few at a time."""

    def __init__(
        self,
        *,
        buffer: EventBuffer,
        models: UserModelStore,
        queue: DueQueue,
        modelled: ModelledSpace,
        window_ms: int,
        clock_ms: Callable[[], int],
        pace: RemodellingPace,
    ) -> None:
        """`modelled` remembers for which space all of it was done, also past this process."""
        self._buffer = buffer
        self._models = models
        self._queue = queue
        self._modelled = modelled
        self._window_ms = window_ms
        self._clock_ms = clock_ms
        self._pace = pace

    async def run(self, published: Callable[[], str | None]) -> None:
        """Follow the space that is published, until cancelled."""
        while True:
            space = published()
            try:
                if space is not None and await self._modelled.get() != space:
                    await self.rebuild(space, published)
            except RetryableError as exc:
                _log.warning(REMODELLING_FAILED, error=str(exc))
            except Exception:
                # Models of the old space are no reason to stop publishing.
                _log.exception(REMODELLING_FAILED)
            await asyncio.sleep(self._pace.every_s)

    async def rebuild(self, space: str, published: Callable[[], str | None]) -> None:
        """Have every model of another space rebuilt, unless yet another is published meanwhile.

        Raises: RetryableError when a store is away; begun again it goes on where it was.
        """
        _log.info(REMODELLING_STARTED, vector_space=space)
        marked = left = 0
        async for users in user_groups(self._buffer, self._pace.users_at_once):
            stale = await self._stale(users, space)
            marked += len(stale)
            left += await self._renew(stale, space, published)
            await asyncio.sleep(len(users) / self._pace.users_a_second)
            if published() != space:
                return
        await self._modelled.set(space)
        _log.info(REMODELLING_ENDED, vector_space=space, models=marked - left, left=left)

    async def _renew(
        self, stale: Sequence[str], space: str, published: Callable[[], str | None]
    ) -> int:
        """Mark them until each has a model of that space, and so the workers its catalogue.

        Gives how many have none after some patience: they follow with their next event.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._pace.patience_s
        while stale and loop.time() < until_s and published() == space:
            await self._queue.mark(dict.fromkeys(stale), now_ms=self._clock_ms())
            await asyncio.sleep(len(stale) / self._pace.users_a_second)
            left = await self._stale(stale, space)
            if len(left) == len(stale):
                await asyncio.sleep(self._pace.every_s)
            else:
                until_s = loop.time() + self._pace.patience_s
            stale = left
        return len(stale)

    async def _stale(self, users: Sequence[str], space: str) -> list[str]:
        """Those with a model of another space, and with events to make one of this."""
        since_ms = self._clock_ms() - self._window_ms
        latest = await self._buffer.latest_ms(users)
        active = [user for user, ms in zip(users, latest, strict=True) if ms and ms >= since_ms]
        models = await asyncio.gather(*map(self._models.get_signals, active))
        return [
            user
            for user, model in zip(active, models, strict=True)
            if model is not None and model.vector_space != space
        ]
