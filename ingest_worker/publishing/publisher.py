"""`Publisher`: makes a snapshot of the source whenever that changes, and puts it on the shelf."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Protocol

import structlog

from core.content import Content
from core.errors import RejectedError, RetryableError
from core.log_names import (
    CATALOGUE_EMPTIED,
    CATALOGUE_MISSED,
    CATALOGUE_PUBLISHED,
    ITEMS_LEFT_OUT,
    PUBLICATION_OVERTAKEN,
    SNAPSHOT_REFUSED,
)
from core.shelf import Snapshot, SnapshotShelf
from ingest_worker.publishing.draft import Base, Draft, SourceReader
from ingest_worker.publishing.threads import aside

_SCAN_SHARE = 10
"""An unasked look at every item takes one part in so many of the time."""
_TEND_EVERY_S = 300.0
"""How often the shelf is made sure to have all of what is current."""
_SHOWN = 20

_log = structlog.get_logger()


class SnapshotFiles(Protocol):
    """The snapshots of this machine. Blocking."""

    def versions(self) -> Sequence[str]:
        """What is there, the last used first."""
        ...

    def path_of(self, version: str) -> Path:
        """Where a version is."""
        ...

    def open(self, version: str) -> Snapshot:
        """Raises: RejectedError where it is damaged, FileNotFoundError where it is not there."""
        ...

    def write(
        self, contents: Sequence[Content], vector_space: str, previous: Snapshot | None
    ) -> Snapshot:
        """Write a snapshot and open what was written; `previous` may spare some work."""
        ...


class Publisher:
    """Compares the source with the last snapshot; nothing is built while nothing differs."""

    def __init__(
        self,
        *,
        reader: SourceReader,
        shelf: SnapshotShelf,
        files: SnapshotFiles,
        mark_tells_all: bool = False,
        may_be_empty: bool = False,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        """`mark_tells_all`: no change of the source leaves its mark as it was.

        `may_be_empty`: a source that has lost all its items is believed.
        """
        self._source = reader.source
        self._reader = reader
        self._shelf = shelf
        self._files = files
        self._mark_tells_all = mark_tells_all
        self._may_be_empty = may_be_empty
        self._clock_s = clock_s
        self._base: Base | None = None
        self._published: Snapshot | None = None
        self._mark = ""
        self._scan_at_s = 0.0
        self._tend_at_s = 0.0
        self._said = ""
        self.refusal = ""
        """Why the source as it is now is not published, empty where it is."""

    @property
    def snapshot(self) -> Snapshot | None:
        """What this publisher has made, or has found and taken over."""
        return self._base.snapshot if self._base else None

    @property
    def published(self) -> Snapshot | None:
        """The same, once it is known to be on the shelf."""
        return self._published

    async def adopt(self) -> None:
        """Begin with what is published, so that only what differs is read and embedded."""
        current = await self._shelf.current()
        known = [current] if current is not None else []
        for version in [*known, *await aside(self._files.versions)]:
            try:
                found = await self._open(version, on_shelf=version == current)
                self._base = await aside(partial(Base.of, found))
            except (RejectedError, OSError) as exc:
                _log.warning(SNAPSHOT_REFUSED, version=version, error=str(exc))
            else:
                return

    async def round(self) -> bool:
        """Publish if there is something to publish; whether there was.

        Raises: RetryableError where the source or the shelf is away, OSError
            where there is no room for a file.
        """
        try:
            mark = await self._source.mark()
        except RetryableError:
            await self._put_back(None)
            raise
        if mark == self._mark and not self._is_scan_due():
            return await self._put_back(mark)
        number = await self._shelf.number()
        mark = await self._source.mark()
        draft = await self._read(mark)
        if draft is not None:
            await self._build(draft)
        self._mark = mark
        return await self._publish(number)

    def _is_scan_due(self) -> bool:
        return not self._mark_tells_all and self._clock_s() >= self._scan_at_s

    async def _read(self, mark: str) -> Draft | None:
        """What the source holds, None where that is nothing to be published."""
        self.refusal = ""
        if not mark:
            self.refusal = "the source has no catalogue"
            self._say_once(CATALOGUE_MISSED, mark)
            return None
        started_s = self._clock_s()
        draft = await self._reader.read(self._base)
        ended_s = self._clock_s()
        self._scan_at_s = ended_s + (_SCAN_SHARE - 1) * (ended_s - started_s)
        if draft.unusable:
            some = draft.unusable[:_SHOWN]
            self._say_once(ITEMS_LEFT_OUT, mark, items=len(draft.unusable), some=some)
        if not draft.digests and not self._may_be_empty:
            self.refusal = "the source has no items"
            self._say_once(CATALOGUE_EMPTIED, mark)
            return None
        return draft

    async def _build(self, draft: Draft) -> None:
        base = self._base
        if base is not None and draft.is_like(base):
            if draft.digests != base.digests:
                self._base = Base.read_as(base.snapshot, draft.digests)
            return
        same_space = base is not None and base.snapshot.vector_space == draft.vector_space
        previous = base.snapshot if base is not None and same_space else None
        contents = draft.contents(base)
        snapshot = await aside(partial(self._files.write, contents, draft.vector_space, previous))
        self._base = Base.read_as(snapshot, draft.digests)

    async def _put_back(self, mark: str | None) -> bool:
        """Publish again what the shelf has lost, if the source is still as it was."""
        if not await self._is_missed():
            return False
        number = await self._shelf.number()
        if mark is not None and await self._source.mark() != mark:
            return False
        return await self._publish(number)

    async def _is_missed(self) -> bool:
        """Whether the shelf has another version, or it is time to see whether it has all of it."""
        if self._base is None:
            return False
        snapshot = self._base.snapshot
        is_there = await self._shelf.current() == snapshot.version
        self._published = snapshot if is_there else None
        return not is_there or self._clock_s() >= self._tend_at_s

    async def _publish(self, number: int) -> bool:
        if self._base is None or not await self._is_missed():
            return False
        snapshot = self._base.snapshot
        path = self._files.path_of(snapshot.version)
        if not await aside(path.exists):
            contents, space = self._base.contents(), snapshot.vector_space
            await aside(partial(self._files.write, contents, space, snapshot))
        if not await self._shelf.publish(snapshot.version, path, number=number):
            _log.warning(PUBLICATION_OVERTAKEN, version=snapshot.version)
            return False
        self._published = snapshot
        self._tend_at_s = self._clock_s() + _TEND_EVERY_S
        _log.info(CATALOGUE_PUBLISHED, version=snapshot.version, items=len(snapshot))
        return True

    async def _open(self, version: str, *, on_shelf: bool) -> Snapshot:
        """The version's snapshot, fetched where this machine does not have it whole."""
        try:
            return await aside(partial(self._files.open, version))
        except (RejectedError, FileNotFoundError):
            if not on_shelf:
                raise
        await self._shelf.fetch(version, self._files.path_of(version))
        return await aside(partial(self._files.open, version))

    def _say_once(self, event: str, mark: str, **more: object) -> None:
        """Once a state of the source."""
        if self._said != event + mark:
            self._said = event + mark
            _log.warning(event, **more)
