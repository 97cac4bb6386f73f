"""`Patience`: waits so long for something, and does not take its own delays for somebody else's."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")
_LOOKS = 6
"""In which the time is parted, each of a turn of the event loop at least: a read over an open
connection takes six.

Under load a turn of other requests' ranking may alone take longer than a read may:
who only looked at the clock would be busy and think that everybody else is away.
"""


class Patience(Generic[T]):
    """Something that is being waited for; at the end of the context it is cancelled."""

    def __init__(self, awaited: Awaitable[T]) -> None:
        """It begins."""
        self._task = asyncio.ensure_future(awaited)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Nobody waits for what it does at its end, and nobody needs to hear of it.
        self._task.cancel()
        self._task.add_done_callback(_heard)

    async def within(self, seconds: float) -> T:
        """What it gives. Raises: TimeoutError, or what it raises."""
        for _ in range(_LOOKS):
            await asyncio.wait({self._task}, timeout=seconds / _LOOKS)
            if self._task.done():
                return self._task.result()
        raise TimeoutError


def _heard(task: asyncio.Future[T]) -> None:
    if not task.cancelled():
        task.exception()
