"""Waits so long for something, and does not take its own delays for somebody else's."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")
_LOOKS = 6
"""In which the time is parted, each of a turn of the event loop at least: a read over an open
connection takes six.

Under load a turn of other requests' ranking may alone take longer than a read may:
who only looked at the clock would be busy and think that everybody else is away.
"""


async def within(seconds: float, awaited: Awaitable[T]) -> T:
    """What it gives. Raises: TimeoutError once it has been cancelled, or what it raises."""
    limit = _Limit(seconds / _LOOKS)
    try:
        return await awaited
    except asyncio.CancelledError as exc:
        if limit.alone_cancelled:
            raise TimeoutError from exc
        raise
    finally:
        limit.end()


class _Limit:
    """Cancels the task that made it, after so many looks."""

    def __init__(self, step_s: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        self._is_reached = False
        self._task = task
        self._before = task.cancelling()
        self._step_s = step_s
        self._left = _LOOKS
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.call_later(step_s, self._look)

    @property
    def alone_cancelled(self) -> bool:
        """Whether the limit was reached, and nobody else wants the task to end."""
        return self._is_reached and self._task.cancelling() == self._before + 1

    def end(self) -> None:
        """Take back what it has done to the task."""
        self._next.cancel()
        if self._is_reached:
            self._task.uncancel()

    def _look(self) -> None:
        self._left -= 1
        if self._left:
            self._next = self._loop.call_later(self._step_s, self._look)
        else:
            self._is_reached = True
            self._task.cancel()
