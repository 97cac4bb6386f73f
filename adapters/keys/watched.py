"""`WatchedKeys`: the keys of a file, as it is now, and those of a setting beside them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from adapters.keys.metrics import KeyMetrics
from core.errors import ConfigError
from core.http.key_file import read_keys
from core.http.keys import Key, KeyRing
from core.http.operation import Right
from core.log_names import KEY_SHORT, KEYS_MISSED, KEYS_READ, KEYS_REFUSED

EVERY_S = 1.0
_SETTLED_AFTER_S = 0.1
"""Who writes a file in place is done by then; half of it might be a whole file of fewer keys."""

_Stamp = tuple[int, ...]
_log = structlog.get_logger()


class WatchedKeys:
    """Follows a file. While it cannot be used, the keys that were valid stay valid."""

    def __init__(
        self, path: Path | None, own: Sequence[Key], rights: Sequence[Right], metrics: KeyMetrics
    ) -> None:
        """Read the file; without one the `own` keys are all. `rights` are what is asked for.

        Raises: ConfigError naming everything that is wrong with the file.
        """
        self._path = path
        self._own = own
        self._rights = frozenset(rights)
        self._metrics = metrics
        self._error = ""
        self._ring = KeyRing()
        self._stamp = None if path is None else _stamp(path)
        self._take(() if path is None else _read(path))

    def ring(self) -> KeyRing:
        """The keys that are valid now."""
        return self._ring

    async def run(self, every_s: float = EVERY_S) -> None:
        """Look at the file until cancelled."""
        while self._path is not None:
            await asyncio.sleep(every_s)
            try:
                await self._look(self._path)
            except Exception:
                # Whatever it is: the keys that were valid stay so, and the file is looked at again.
                _log.exception(KEYS_REFUSED)

    async def _look(self, path: Path) -> None:
        """Read the file if it has changed; a mounted secret changes by a link to another file."""
        stamp = await asyncio.to_thread(_stamp, path)
        if stamp == self._stamp and stamp is not None:
            return
        await asyncio.sleep(_SETTLED_AFTER_S)
        try:
            keys = await asyncio.to_thread(_read, path)
        except ConfigError as exc:
            self._refuse(str(exc))
            self._stamp = stamp
            return
        if await asyncio.to_thread(_stamp, path) != stamp:
            return  # it is still being written: the next look reads it
        self._stamp = stamp
        self._error = ""
        self._take(keys)
        _log.info(KEYS_READ, keys=[key.name for key in keys])

    def _take(self, keys: Sequence[Key]) -> None:
        """Make keys valid, all at once."""
        known, self._ring = self._ring.keys, KeyRing((*keys, *self._own))
        self._metrics.valid(self._ring)
        for key in self._ring.keys:
            if key.is_short and key not in known and self._rights & key.rights:
                _log.warning(KEY_SHORT, key=key.name, hint="ai-engine key new makes a long one")
        if self._path is not None and not any(self._rights & key.rights for key in self._ring.keys):
            hint = f"give a key of KEYS_FILE one of the rights {', '.join(sorted(self._rights))}"
            _log.warning(KEYS_MISSED, hint=hint)

    def _refuse(self, error: str) -> None:
        """Say it once, and show it until it is mended."""
        self._metrics.refused()
        if error != self._error:
            _log.error(KEYS_REFUSED, error=error)
        self._error = error


def _read(path: Path) -> Sequence[Key]:
    try:
        return read_keys(path.read_bytes())
    except OSError as exc:
        raise ConfigError(f"KEYS_FILE={str(path)!r}: {exc.strerror}") from None
    except ConfigError as exc:
        raise ConfigError(f"KEYS_FILE={str(path)!r}: {exc}") from None


def _stamp(path: Path) -> _Stamp | None:
    """What is another once the file is; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
