"""`WatchedKeys`: the keys of a file, as it is now, and those of a setting beside them."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from adapters.keys.metrics import KeyMetrics
from adapters.watched_file import EVERY_S, WatchedFile
from core.http.key_file import read_keys
from core.http.keys import Key, KeyRing
from core.http.operation import Right
from core.log_names import KEY_SHORT, KEYS_MISSED, KEYS_READ, KEYS_REFUSED

_log = structlog.get_logger()


class WatchedKeys:
    """Follows a file. While it cannot be used, the keys that were valid stay valid."""

    def __init__(
        self, path: Path | None, own: Sequence[Key], rights: Sequence[Right], metrics: KeyMetrics
    ) -> None:
        """Read the file; without one the `own` keys are all. `rights` are what is asked for.

        Raises: ConfigError naming everything that is wrong with the file.
        """
        self._own = own
        self._rights = frozenset(rights)
        self._metrics = metrics
        self._ring = KeyRing()
        self._file = None
        if path is not None:
            self._file = WatchedFile("KEYS_FILE", path, read_keys, KEYS_REFUSED)
        self._make_valid(() if self._file is None else self._file.read())

    def ring(self) -> KeyRing:
        """The keys that are valid now."""
        return self._ring

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look at the file until cancelled."""
        if self._file is not None:
            await self._file.run(self, every_s)

    def take(self, said: Sequence[Key]) -> None:
        """The file holds these."""
        self._make_valid(said)
        _log.info(KEYS_READ, keys=[key.name for key in said])

    def refuse(self) -> None:
        """The file cannot be used."""
        self._metrics.refused()

    def _make_valid(self, keys: Sequence[Key]) -> None:
        """Make keys valid, all at once."""
        known, self._ring = self._ring.keys, KeyRing((*keys, *self._own))
        self._metrics.valid(self._ring)
        for key in self._ring.keys:
            if key.is_short and key not in known and self._rights & key.rights:
                _log.warning(KEY_SHORT, key=key.name, hint="ai-engine key new makes a long one")
        if self._file is not None and not any(self._rights & key.rights for key in self._ring.keys):
            hint = f"give a key of KEYS_FILE one of the rights {', '.join(sorted(self._rights))}"
            _log.warning(KEYS_MISSED, hint=hint)
