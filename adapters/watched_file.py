"""`WatchedFile`: what a file says, read again whenever it changes.

For files that operators replace while the service runs: keys, learned rankers.
While one cannot be used, whoever asked for it keeps what it had.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import structlog

from core.errors import ConfigError, RejectedError

EVERY_S = 1.0
_SETTLED_AFTER_S = 0.1
"""Who writes a file in place is done by then; half of it might be a whole file of fewer keys."""

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)
_Stamp = tuple[int, ...]
_log = structlog.get_logger()


class Taker(Protocol[T_contra]):
    """Who wants to know what the file says."""

    def take(self, said: T_contra) -> None:
        """It says this from now on."""
        ...

    def refuse(self) -> None:
        """As it is now it cannot be used; what was taken last is to be kept."""
        ...


class WatchedFile(Generic[T]):
    """Follows one file for one taker."""

    def __init__(
        self, setting: str, path: Path, decode: Callable[[bytes], T], refused_event: str
    ) -> None:
        """`setting` is what names the file, `refused_event` what the log says of a bad one.

        `decode` raises RejectedError for what cannot be used.
        """
        self._setting = setting
        self._path = path
        self._decode = decode
        self._refused_event = refused_event
        self._error = ""
        self._stamp: _Stamp | None = None

    def read(self) -> T:
        """What it says at the start. Raises: ConfigError naming the setting and what is wrong."""
        self._stamp = _stamp(self._path)
        return self._read()

    async def run(self, taker: Taker[T], every_s: float = EVERY_S) -> None:
        """Look at the file until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            try:
                await self._look(taker)
            except Exception:
                # Whatever it is: what was taken stays, and the file is looked at again.
                _log.exception(self._refused_event)

    async def _look(self, taker: Taker[T]) -> None:
        """Read the file if it has changed; a mounted one changes by a link to another file."""
        stamp = await asyncio.to_thread(_stamp, self._path)
        if stamp == self._stamp and stamp is not None:
            return
        await asyncio.sleep(_SETTLED_AFTER_S)
        try:
            said = await asyncio.to_thread(self._read)
        except ConfigError as exc:
            self.refuse(taker, str(exc))
            self._stamp = stamp
            return
        if await asyncio.to_thread(_stamp, self._path) != stamp:
            return  # it is still being written: the next look reads it
        self._stamp = stamp
        self._error = ""
        taker.take(said)

    def refuse(self, taker: Taker[T], error: str) -> None:
        """Say it once, and show it until it is mended."""
        taker.refuse()
        if error != self._error:
            _log.error(self._refused_event, error=error)
        self._error = error

    def _read(self) -> T:
        named = f"{self._setting}={str(self._path)!r}"
        try:
            return self._decode(self._path.read_bytes())
        except OSError as exc:
            raise ConfigError(f"{named}: {exc.strerror}") from None
        except RejectedError as exc:
            raise ConfigError(f"{named}: {exc}") from None


def _stamp(path: Path) -> _Stamp | None:
    """What is another once the file is; None while there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
