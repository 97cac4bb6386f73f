"""Where a catalogue's snapshot lies between the one who builds it and all who serve it.

Roles that adapters fill, as in `ports`. Every method may raise RetryableError
when its dependency is away.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from core.columns import ContentColumns
from core.ports import ContentStore


class SnapshotShelf(Protocol):
    """Holds the current snapshot and, for a while, the ones before."""

    async def number(self) -> int:
        """A number above all before, to be taken before the source is read.

        By it the snapshot of an older look at the source is told apart,
        however late its publisher comes.
        """
        ...

    async def publish(self, version: str, path: Path, *, number: int) -> bool:
        """Make the file the current snapshot, whole or not at all.

        False, and nothing is changed, where one of a higher number is current.
        Publishing what is there already puts back what was lost of it.
        """
        ...

    async def current(self) -> str | None:
        """The version to serve, None where there is none; cheap."""
        ...

    async def fetch(self, version: str, into: Path, *, have: Sequence[Path] = ()) -> None:
        """Write a version's file to `into`, in one step; what `have` holds of it is not sent.

        Raises: RetryableError where the version is not there (any more), and
            RejectedError where what is there is not what was published.
        """
        ...


class Lease(Protocol):
    """The right to do what only one process is to do at a time."""

    async def hold(self, holder: str) -> bool:
        """Take or keep it for a while; False while somebody else has it."""
        ...

    async def release(self, holder: str) -> None:
        """Give it back, if `holder` has it."""
        ...


class ModelledSpace(Protocol):
    """Remembers for which vector space every model was rebuilt."""

    async def get(self) -> str | None:
        """That space, None before the first time."""
        ...

    async def set(self, space: str) -> None:
        """All of them have been."""
        ...


class Snapshot(ContentStore, Protocol):
    """A whole catalogue that never changes, opened from a file."""

    @property
    def columns(self) -> ContentColumns:
        """Every item, hidden ones too."""
        ...

    def __len__(self) -> int:
        """Number of items."""
        ...
