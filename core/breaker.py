"""`Breaker`: whether a dependency is worth asking.

A few failures in a row open it, and then nobody waits for what is away; a probe
now and then finds out when that is back. No clock of its own: the time is an argument.
"""

from typing import Final

_OPENS_AFTER: Final = 3
"""One failure is bad luck; three in a row are an outage, at three waits' cost."""
_PROBE_EVERY_S: Final = 0.25


class Breaker:
    """Closed, then open after failures in a row, then closed again by a probe that succeeds.

    Units: seconds of a steady clock.
    """

    def __init__(
        self, *, opens_after: int = _OPENS_AFTER, probe_every_s: float = _PROBE_EVERY_S
    ) -> None:
        """Closed."""
        self._opens_after = opens_after
        self._probe_every_s = probe_every_s
        self._failures = 0
        self._opened_s: float | None = None
        self._probed_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether nothing is to be asked but probes."""
        return self._opened_s is not None

    def failed(self, now_s: float) -> bool:
        """Note a failure. Returns whether it has opened the breaker."""
        self._failures += 1
        if self.is_open or self._failures < self._opens_after:
            return False
        self._opened_s = self._probed_s = now_s
        return True

    def succeeded(self) -> None:
        """Note a success; only that of a probe closes an open one."""
        self._failures = 0

    def wait_s(self, now_s: float) -> float:
        """How long it is until the next probe of an open breaker."""
        return max(0.0, self._probed_s + self._probe_every_s - now_s)

    def probed(self, now_s: float) -> None:
        """Note that a probe begins."""
        self._probed_s = now_s

    def probe_succeeded(self, now_s: float) -> float | None:
        """Close it. Returns for how long it had been open, if it was."""
        opened_s, self._opened_s, self._failures = self._opened_s, None, 0
        return None if opened_s is None else now_s - opened_s
