"""`ShelfFollower`: keeps what a process has from a shelf at the version that the shelf says."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Generic, Protocol, TypeVar

import msgspec
import structlog

from adapters.snapshot.folder import SnapshotFolder, Versioned, VersionedFolder
from adapters.snapshot.live import LiveContentStore
from adapters.snapshot.metrics import CatalogueMetrics, ShelfMetrics
from core.content import ContentFilter
from core.errors import RejectedError, RetryableError
from core.log_names import (
    CATALOGUE_RECOVERED,
    CATALOGUE_SWAPPED,
    FOLLOWING_FAILED,
    SNAPSHOT_REFUSED,
)
from core.shelf import Snapshot, SnapshotShelf

_TOUCH_EVERY_S = 15.0
_AGAIN_S = (0.0, 1.0, 5.0, 15.0, 60.0)
"""How long after each refusal of a version it is fetched again."""
_FIRST_LOOK_S = 0.05
"""How often the shelf is looked at while nothing can be served."""

_log = structlog.get_logger()


Held = TypeVar("Held", bound=Versioned)
Taken_contra = TypeVar("Taken_contra", bound=Versioned, contravariant=True)


class Live(Protocol[Taken_contra]):
    """Where what is served is swapped in."""

    @property
    def is_there(self) -> bool:
        """Whether there is anything."""
        ...

    @property
    def version(self) -> str:
        """Of what is served."""
        ...

    def swap(self, store: Taken_contra, /) -> None:
        """Serve this one from now on."""
        ...


class Followed(msgspec.Struct, Generic[Held], frozen=True, kw_only=True):
    """What is followed: how it is made ready for use, how large it is, and the log's names."""

    warm: Callable[[Held], None]
    items: Callable[[Held], int]
    swapped: str
    recovered: str


class ShelfFollower(Generic[Held]):
    """Looks at the shelf, fetches what is new, opens it, swaps it in."""

    def __init__(
        self,
        shelf: SnapshotShelf,
        folder: VersionedFolder[Held],
        store: Live[Held],
        followed: Followed[Held],
        *,
        metrics: ShelfMetrics[Held],
        every_ms: int,
    ) -> None:
        """Nothing is looked at yet."""
        self._shelf = shelf
        self._folder = folder
        self._store = store
        self._followed = followed
        self._metrics = metrics
        self._every_s = every_ms / 1000
        self._refused: tuple[str, int, float] = ("", 0, 0.0)
        self._touched_s = 0.0
        self._has_looked = False
        self._failing = False

    async def run(self) -> None:
        """Follow the shelf until cancelled."""
        while True:
            try:
                await self.look()
            except RetryableError as exc:
                self._say_once(str(exc))
            except Exception:
                # Whatever it is: what is served goes on being served.
                _log.exception(FOLLOWING_FAILED)
            else:
                self._failing = False
            await asyncio.sleep(self._every_s if self._store.is_there else _FIRST_LOOK_S)

    async def look(self) -> None:
        """Look once, and take over what is new.

        Raises: RetryableError where that was not possible; what was served is
            served on, or what this machine served last.
        """
        try:
            version = await self._shelf.current()
            self._metrics.confirmed()
            if version is not None and self._is_due(version):
                await self._take_over(version)
        except RetryableError:
            await self._recover()
            raise
        if not self._has_looked:  # later an empty shelf is one that is just being filled
            await self._recover()
        self._has_looked = True
        await self._look_after_folder()

    async def _take_over(self, version: str) -> None:
        try:
            self._swap(await self._obtain(version))
        except (RejectedError, OSError) as exc:
            self._refuse(version, exc)

    def _is_due(self, version: str) -> bool:
        if self._store.is_there and self._store.version == version:
            return False
        refused, _, again_s = self._refused
        return version != refused or monotonic() >= again_s

    async def _obtain(self, version: str) -> Held:
        """The version's snapshot, fetched unless a process of this machine has done so."""
        path = self._folder.path_of(version)
        have = [path]
        if self._store.is_there:
            have.append(self._folder.path_of(self._store.version))
        if await asyncio.to_thread(path.exists):
            try:
                return await asyncio.to_thread(self._open, version)
            except RejectedError as exc:
                self._metrics.refused("damaged")
                _log.warning(SNAPSHOT_REFUSED, path=str(path), error=str(exc))
        await self._shelf.fetch(version, path, have=have)
        return await asyncio.to_thread(self._open, version)

    def _open(self, version: str) -> Held:
        """Open, check and warm a file, which is a matter of seconds: not on the loop."""
        snapshot = self._folder.open(version)
        self._followed.warm(snapshot)
        return snapshot

    def _swap(self, snapshot: Held) -> None:
        items = self._followed.items(snapshot)
        self._store.swap(snapshot)
        self._metrics.swapped(snapshot, items=items)
        self._refused = ("", 0, 0.0)
        self._touched_s = 0.0
        _log.info(self._followed.swapped, version=snapshot.version, items=items)

    def _refuse(self, version: str, exc: Exception) -> None:
        """Keep what is served, and try again later and later: a fetch is much to send."""
        refused, times, _ = self._refused
        times = times + 1 if refused == version else 0
        wait_s = _AGAIN_S[min(times, len(_AGAIN_S) - 1)]
        self._refused = (version, times, monotonic() + wait_s)
        self._metrics.refused("disk" if isinstance(exc, OSError) else "damaged")
        _log.error(SNAPSHOT_REFUSED, version=version, error=str(exc), again_s=wait_s)

    async def _recover(self) -> None:
        """With nothing to serve, serve what this machine served last, until there is better."""
        if self._store.is_there:
            return
        for version in await asyncio.to_thread(self._folder.versions):
            try:
                snapshot = await asyncio.to_thread(self._open, version)
            except (RejectedError, OSError) as exc:
                self._metrics.refused("damaged")
                _log.warning(SNAPSHOT_REFUSED, version=version, error=str(exc))
                await asyncio.to_thread(self._folder.path_of(version).unlink, missing_ok=True)
                continue
            self._swap(snapshot)
            _log.warning(self._followed.recovered, version=version)
            return

    async def _look_after_folder(self) -> None:
        if self._store.is_there and monotonic() - self._touched_s > _TOUCH_EVERY_S:
            self._touched_s = monotonic()
            await asyncio.to_thread(self._folder.touch, self._store.version)
            await asyncio.to_thread(self._folder.sweep)

    def _say_once(self, error: str) -> None:
        """One line an outage, not one a look."""
        if not self._failing:
            _log.warning(FOLLOWING_FAILED, error=error)
        self._failing = True


class CatalogueFollower(ShelfFollower[Snapshot]):
    """Follows the shelf of catalogues."""

    def __init__(
        self,
        shelf: SnapshotShelf,
        folder: SnapshotFolder,
        store: LiveContentStore,
        *,
        metrics: CatalogueMetrics,
        every_ms: int,
    ) -> None:
        """Nothing is looked at yet."""
        super().__init__(shelf, folder, store, _CATALOGUES, metrics=metrics, every_ms=every_ms)


def _warmed(snapshot: Snapshot) -> None:
    asyncio.run(_warm(snapshot))


async def _warm(snapshot: Snapshot) -> None:
    """Ask of each sort of search once, so that no visitor waits for the first."""
    anything = ContentFilter()
    some = await snapshot.sample(limit=8, seed=0, where=anything)
    for content in some:
        await snapshot.search_vector(content.vector, limit=8, where=anything)
        await snapshot.search_tags(content.tags, limit=8, where=anything)
        await snapshot.search_text(content.title, limit=8, where=anything)
    await snapshot.search_popular(limit=8, where=anything)
    await snapshot.pinned(where=anything)


_CATALOGUES = Followed[Snapshot](
    warm=_warmed, items=len, swapped=CATALOGUE_SWAPPED, recovered=CATALOGUE_RECOVERED
)
