"""The work of `ai-engine content import`: from a file and the settings to what was done."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import IO

import msgspec

from adapters.catalogue.choose import Chosen
from adapters.catalogue.problems import RowProblem
from adapters.catalogue.reader import CatalogueReader
from adapters.contents import open_content_repository
from adapters.embedding.choice import open_embedder
from adapters.settings import SharedSettings
from core.importing.importer import ContentImporter, ImportRow
from core.importing.plan import ImportPlan
from core.importing.writing import ImportOutcome
from deploy.operate.pacing import Bar, progress

_KEPT_PROBLEMS = 1000


class ImportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    source: Path
    chosen: Chosen
    into: Path | None
    dry_run: bool
    prune: bool
    new_embedder: bool
    batch: int
    shown: bool
    """Whether progress is shown."""


class Problems:
    """Counts what is wrong with a file, keeps the first and writes all where that is wanted."""

    def __init__(self, file: IO[str] | None) -> None:
        """`file` gets one problem a line."""
        self._file = file
        self.count = 0
        self.first: list[RowProblem] = []

    def report(self, problem: RowProblem) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < _KEPT_PROBLEMS:
            self.first.append(problem)
        if self._file is not None:
            self._file.write(f"{problem}\n")


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import came to; only a trial has no `done`."""

    plan: ImportPlan
    done: ImportOutcome | None
    pruned: bool
    """Whether items that the file does not have were to be removed, and nothing forbade it."""
    seconds: float


async def bring(order: ImportOrder, problems: Problems, settings: SharedSettings) -> Imported:
    """Import the file, or only plan it.

    Raises: EngineError.
    """
    begun_s = monotonic()
    reader = CatalogueReader(order.source, order.chosen.mapping)
    rows = _Rows(reader, problems)
    async with open_content_repository(settings, order.into) as repository:
        declared = reader.head.vector_space if reader.head else None
        importer = ContentImporter(
            repository, open_embedder(settings.embedder), rows.read, declared
        )
        size = order.source.stat().st_size
        with progress("reading", length=size, shown=order.shown) as bar:
            rows.bar = bar
            plan = await importer.plan()
        plan.require_space(may_move=order.new_embedder)
        # A row that cannot be read may be any item's: what seems gone may only be misspelt.
        pruned = order.prune and not problems.count
        done = None
        if not order.dry_run:
            with progress("importing", length=plan.items, shown=order.shown) as bar:
                done = await importer.run(
                    plan,
                    prune=pruned,
                    may_move=order.new_embedder,
                    batch=order.batch,
                    progress=bar.update,
                )
    return Imported(plan=plan, done=done, pruned=pruned, seconds=monotonic() - begun_s)


class _Rows:
    """Reads the file as often as the importer asks; reports and shows it the first time."""

    def __init__(self, reader: CatalogueReader, problems: Problems) -> None:
        self.bar: Bar | None = None
        self._reader = reader
        self._problems = problems
        self._is_first = True

    def read(self) -> Iterator[ImportRow]:
        if not self._is_first:
            return self._reader.rows()
        self._is_first = False
        return self._watched()

    def _watched(self) -> Iterator[ImportRow]:
        consumed = 0
        for row in self._reader.rows(self._problems.report):
            yield row
            if self.bar is not None and self._reader.consumed != consumed:
                self.bar.update(self._reader.consumed - consumed)
                consumed = self._reader.consumed
