"""What a worker's liveness goes by: the loops that must run, and when each last did."""

from collections.abc import Callable


class Heartbeats:
    """A loop that has not beaten for too long does not run, whatever its task says."""

    def __init__(self, *, clock_s: Callable[[], float], stalled_after_s: float) -> None:
        """Expect nobody yet."""
        self._clock_s = clock_s
        self._stalled_after_s = stalled_after_s
        self._last_s: dict[str, float] = {}

    def expect(self, name: str) -> Callable[[], None]:
        """Expect the named loop from now on; it calls what is returned, every time around."""
        self._last_s[name] = self._clock_s()

        def beat() -> None:
            self._last_s[name] = self._clock_s()

        return beat

    def beat_all(self) -> None:
        """Beat for everybody: none of them has been started yet."""
        self._last_s = dict.fromkeys(self._last_s, self._clock_s())

    def stalled(self) -> list[str]:
        """The loops that have stopped."""
        late = self._clock_s() - self._stalled_after_s
        return sorted(name for name, last_s in self._last_s.items() if last_s < late)
