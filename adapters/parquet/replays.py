"""`ParquetReplays`: makes logged answers again, from the editions that the log keeps."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from adapters.parquet.editions import Editions
from adapters.parquet.reader import LogReader
from adapters.parquet.schema import ANSWERS
from core.answer_log.editions import EditionKind, decode_policy, policy_version
from core.answer_log.entry import AnswerEntry
from core.answer_log.replaying import ReplayedAnswer, ReplaySources, replay_answer
from core.collective.collective import Collective
from core.collective.statistics import CollectiveStatistics
from core.errors import RetryableError
from core.policies.policy import Policy
from core.ports import ContentStore

_HELD = 4
"""Editions of each kind that stay open: neighbours in the log are made from the same ones."""


class ParquetReplays:
    """Over one log."""

    def __init__(
        self,
        reader: LogReader,
        open_catalogue: Callable[[Path], ContentStore],
        open_statistics: Callable[[Path], CollectiveStatistics],
    ) -> None:
        """How the files of editions are opened: each raises RejectedError for a damaged one."""
        self._reader = reader
        self._editions = Editions(reader.folder)
        self._open: dict[EditionKind, Callable[[Path], Any]] = {
            "catalogue": open_catalogue,
            "collective": lambda path: Collective(open_statistics(path)),
            "policy": lambda path: decode_policy(path.read_bytes()),
        }
        self._held: OrderedDict[tuple[EditionKind, str], Any] = OrderedDict()

    async def replay(self, request_id: str) -> ReplayedAnswer | None:
        """Make one answer again, None where it is not in the log.

        Raises: RejectedError where what it was made from is not kept, RetryableError
            where the storage is away.
        """
        try:
            entry = await asyncio.to_thread(self._reader.find, request_id)
            return None if entry is None else await self.again(entry)
        except OSError as exc:
            raise RetryableError(f"the log cannot be read: {exc}") from exc

    async def again(self, entry: AnswerEntry) -> ReplayedAnswer:
        """Make the answer of an entry. Raises: RejectedError, OSError."""
        return await replay_answer(entry, await asyncio.to_thread(self._sources, entry))

    def entries(self, *, since_ms: int) -> Iterator[AnswerEntry]:
        """Every answer of the log from a day on. Raises: OSError."""
        return self._reader.entries(ANSWERS, since_ms=since_ms)

    def _sources(self, entry: AnswerEntry) -> ReplaySources:
        policy: Policy = self.opened(
            "policy", policy_version(entry.config_version, entry.ranker_version)
        )
        collective = None
        if entry.collective_version:
            collective = self.opened("collective", entry.collective_version)
        contents = self.opened("catalogue", entry.catalogue_version)
        return ReplaySources(contents=contents, collective=collective, policy=policy)

    def opened(self, kind: EditionKind, version: str) -> Any:
        """An edition, which stays open for a while. Raises: RejectedError, OSError."""
        key = (kind, version)
        if key not in self._held:
            with self._editions.opened(kind, version) as path:
                self._held[key] = self._open[kind](path)
            while sum(one == kind for one, _ in self._held) > _HELD:
                del self._held[next(one for one in self._held if one[0] == kind)]
        self._held.move_to_end(key)
        return self._held[key]
