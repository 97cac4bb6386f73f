"""`Handoff`: takes things in no time, and works on them in a thread of its own.

For whatever must never hold up who answers, or who stores events: what does not
fit is dropped, and counted by whoever is told.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
_LOOK_EVERY_S = 0.1


class Handoff(Generic[T]):
    """A bounded queue and its worker."""

    def __init__(
        self,
        work: Callable[[Sequence[T]], None],
        *,
        name: str,
        most: int,
        dropped: Callable[[int], None],
        finish: Callable[[], None] | None = None,
    ) -> None:
        """`work` is called ten times a second with what came, in the thread; `finish` last.

        Neither may raise. `most` bounds what waits; `dropped` is told of the rest.
        """
        self._work = work
        self._finish = finish
        self._most = most
        self._dropped = dropped
        self._waiting: deque[T] = deque()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def put(self, one: T) -> None:
        """Have it worked on some time; O(1), from any thread."""
        if len(self._waiting) >= self._most:
            self._dropped(1)
            return
        self._waiting.append(one)

    def close(self, within_s: float = 5.0) -> None:
        """Work on what is left; work that hangs is not waited for any longer."""
        self._ending.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._ending.wait(_LOOK_EVERY_S):
            self._work(self._taken())
        self._work(self._taken())
        if self._finish is not None:
            self._finish()

    def _taken(self) -> list[T]:
        return [self._waiting.popleft() for _ in range(len(self._waiting))]
