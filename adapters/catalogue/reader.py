"""A catalogue file of any form as one stream of checked items, read as often as asked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from adapters.catalogue.lines import CatalogueLines
from adapters.catalogue.mapper import RowMapper
from adapters.catalogue.mapping import CatalogueMapping
from adapters.catalogue.problems import CellError, Report, RowProblem, unreported
from adapters.catalogue.row import Head, decode_head, decode_row, import_row
from adapters.catalogue.tables import Record, read_table
from core.errors import RejectedError
from core.importing.importer import ImportRow

Kind = Literal["items", "objects", "table"]
"""JSON Lines that look like the project's own form, others, or CSV and TSV."""

_TABS = (".tsv", ".tab", ".tsv.gz", ".tab.gz")


class CatalogueReader:
    """Reads the items of a file; a row that cannot be used costs its neighbours nothing."""

    def __init__(self, path: Path, mapping: CatalogueMapping | None = None) -> None:
        """Without a mapping the file must be JSON Lines in the project's own form.

        Raises: RejectedError where the file is none that can be read.
        """
        self.path = path
        self.kind, self.head = _look(path)
        self._mapping = mapping
        self._mapper = RowMapper(mapping) if mapping else _unmapped
        self._lines = CatalogueLines(path)

    @property
    def consumed(self) -> int:
        """Bytes of the file that have been read this time."""
        return self._lines.consumed

    def rows(self, report: Report = unreported) -> Iterator[ImportRow]:
        """Every usable item once; what is wrong with the others is reported.

        Raises: RejectedError where the file cannot be read to its end.
        """
        seen: dict[str, int] = {}
        for record in self.records(self._mapping.delimiter if self._mapping else ""):
            try:
                yield self._row(record, seen)
            except CellError as exc:
                report(RowProblem.of(exc, self.path.name, record.line, record.row))

    def records(self, delimiter: str = "") -> Iterator[Record]:
        """The rows as they stand in the file."""
        if self.kind == "table":
            tabs = "\t" if self.path.name.lower().endswith(_TABS) else ""
            return read_table(self._lines, delimiter or tabs)
        return self._objects()

    def _row(self, record: Record, seen: dict[str, int]) -> ImportRow:
        cells = record.cells
        if isinstance(cells, CellError):
            raise cells
        if isinstance(cells, str):
            row = import_row(decode_row(cells), self.head)
        else:
            row = self._mapper(cells)
        if (first := seen.setdefault(row.content.id, record.line)) != record.line:
            column = self._mapping.id if self._mapping else "id"
            raise CellError(column, row.content.id, f"stands there twice, first in line {first}")
        return row

    def _objects(self) -> Iterator[Record]:
        """The lines of JSON Lines: decoded where a mapping reads them, else as they are."""
        for line in self._lines:
            said = line.text.strip()
            if not said or (line.number == 1 and self.head is not None):
                continue
            cells: Any = CellError(None, None, line.problem) if line.problem else said
            if self._mapping is not None and isinstance(cells, str):
                cells = _decoded(cells)
            yield Record(line.number, line.number, cells)


def _look(path: Path) -> tuple[Kind, Head | None]:
    """What the first line that is not empty tells of a file."""
    first = next((said for line in CatalogueLines(path) if (said := line.text.strip())), "")
    if first.startswith("["):
        raise RejectedError(f"{path} is one JSON array; an item a line is needed, without commas")
    if not first.startswith("{"):
        return "table", None
    if (head := decode_head(first)) is not None:
        return "items", head
    cells = _decoded(first)
    own = isinstance(cells, CellError) or {"id", "title"} <= set(cells)
    return "items" if own else "objects", None


def _unmapped(_cells: Mapping[str, Any]) -> ImportRow:
    raise RejectedError(
        "a table is not served as it is: `ai-engine content import` makes a catalogue of it"
    )


def _decoded(said: str) -> dict[str, Any] | CellError:
    try:
        return msgspec.json.decode(said, type=dict[str, Any])
    except msgspec.DecodeError as exc:
        return CellError(None, None, f"is no JSON object: {exc}")
