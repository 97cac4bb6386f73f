"""The snapshots of one machine, shared by its processes: each is fetched once.

Who serves a file touches it now and then; one that nobody has touched for a
while nobody of this machine needs. A mapped file may be removed: the mapping
stays.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from time import time
from typing import Generic, Protocol, TypeVar

from adapters.partial import PART, part_beside
from core.content import Content
from core.errors import ConfigError, RejectedError
from core.shelf import Snapshot

_SUFFIX = ".snapshot"
_UNUSED_S = 60.0
_UNFINISHED_S = 3600.0
"""A file that was not written to for so long is being written by nobody."""
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")
_OTHERS = 0o077


class Versioned(Protocol):
    """What a file holds: it knows its version."""

    @property
    def version(self) -> str:
        """A digest of all that is in it."""
        ...


Held = TypeVar("Held", bound=Versioned)
Write = Callable[[Path, Sequence[Content], str, Snapshot | None], None]


class VersionedFolder(Generic[Held]):
    """Files named by the version of what they hold. Blocking: not for an event loop."""

    def __init__(
        self, path: Path, *, read: Callable[[Path], Held], unused_s: float = _UNUSED_S
    ) -> None:
        """`path` need not exist. `unused_s`: how long after its last touch a file stays.

        `read` raises RejectedError for a file that is not whole.
        """
        self._path = path
        self._read = read
        self._unused_s = unused_s

    def open(self, version: str) -> Held:
        """What the version's file holds.

        Raises: RejectedError where the file does not hold it, FileNotFoundError.
        """
        snapshot = self._read(self.path_of(version))
        if snapshot.version != version:
            raise RejectedError(f"{self.path_of(version)} holds version {snapshot.version}")
        return snapshot

    def keep(self, write: Callable[[Path], None]) -> Held:
        """Have a file written, open what was written, and keep it under its version."""
        with part_beside(self._path / "new") as part:
            write(part)
            held = self._read(part)
            part.replace(self.path_of(held.version))
        return held

    def path_of(self, version: str) -> Path:
        """Where the version's file is or would be. Raises: RejectedError for a bad name."""
        if _NAME.fullmatch(version) is None:
            raise RejectedError(f"{version!r} is no version of a snapshot")
        return self._path / f"{version}{_SUFFIX}"

    def versions(self) -> list[str]:
        """What is there, whole or damaged; what was used last comes first."""
        found = sorted(self._aged(_SUFFIX), key=lambda one: (one[1], one[0].name))
        return [path.name.removesuffix(_SUFFIX) for path, _ in found]

    def touch(self, version: str) -> None:
        """Say that the version is in use."""
        with suppress(FileNotFoundError):
            os.utime(self.path_of(version))

    def sweep(self) -> None:
        """Remove what nobody uses, and what a killed process left half written."""
        for suffix, limit_s in ((_SUFFIX, self._unused_s), (PART, _UNFINISHED_S)):
            for path, age_s in self._aged(suffix):
                if age_s > limit_s:
                    path.unlink(missing_ok=True)

    def _aged(self, suffix: str) -> Iterator[tuple[Path, float]]:
        """The files of this ending, and how long ago each was written or touched."""
        now_s = time()
        for path in self._path.glob(f"*{suffix}"):
            with suppress(FileNotFoundError):  # another process swept it
                yield path, now_s - path.stat().st_mtime


class SnapshotFolder(VersionedFolder[Snapshot]):
    """Those of catalogues."""

    def __init__(
        self,
        path: Path,
        *,
        read: Callable[[Path], Snapshot],
        write: Write,
        unused_s: float = _UNUSED_S,
    ) -> None:
        """`write` is given a path, the items, their vector space, and the snapshot before."""
        super().__init__(path, read=read, unused_s=unused_s)
        self._write = write

    def write(
        self, contents: Sequence[Content], vector_space: str, previous: Snapshot | None
    ) -> Snapshot:
        """Write a snapshot, open what was written, and keep it under its version."""
        return self.keep(lambda path: self._write(path, contents, vector_space, previous))


def private_folder(named: str, source: str) -> Path:
    """The folder that is named, else one of this user's own for the snapshots of `source`.

    Raises: ConfigError where others may have put something there.
    """
    if named:
        return Path(named)
    own = Path(tempfile.gettempdir()) / f"ai-engine-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    found = own.lstat()
    if own.is_symlink() or found.st_uid != os.getuid() or found.st_mode & _OTHERS:
        raise ConfigError(f"{own} is not this user's alone: name a folder in CONTENT_FOLDER")
    return own / blake2b(source.encode(), digest_size=6).hexdigest()
