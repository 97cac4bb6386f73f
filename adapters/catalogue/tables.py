"""Reads CSV and TSV into records of named cells.

A row that does not parse, or has other cells than the header names, costs no
other row: after an unclosed quote reading goes on with the very next line.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from adapters.catalogue.lines import TextLine
from adapters.catalogue.problems import CellError
from core.errors import RejectedError

_DELIMITERS = (",", ";", "\t", "|")
_TAB = "\t"


class Record(msgspec.Struct, frozen=True):
    """A row of a file; `cells` by column, its whole text, or what is wrong with all of it."""

    row: int
    line: int
    cells: Mapping[str, Any] | str | CellError


def read_table(lines: Iterable[TextLine], delimiter: str) -> Iterator[Record]:
    """The rows below the header. An empty `delimiter` is found by the header's look.

    Raises: RejectedError where there is no usable header.
    """
    taken = _Lines(lines)
    delimiter = delimiter or _sniffed(taken)
    reader = csv.reader(taken, delimiter=delimiter, strict=True)
    columns = _header(reader)
    row = 1
    while True:
        taken.start_row()
        row += 1
        cells = _next_cells(reader, taken, columns, delimiter)
        if cells is None:
            return
        if isinstance(cells, CellError) or any(cells):
            named = (
                cells if isinstance(cells, CellError) else dict(zip(columns, cells, strict=True))
            )
            yield Record(row, taken.first.number, named)


class _Lines:
    """Lines for the csv module; those of a row that it could not read are given back."""

    def __init__(self, lines: Iterable[TextLine]) -> None:
        self._lines = iter(lines)
        self._again: deque[TextLine] = deque()
        self._of_row: list[TextLine] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self._of_row.append(line)
        return line.text

    @property
    def first(self) -> TextLine:
        """The line that the row began with."""
        return self._of_row[0]

    @property
    def is_at_end(self) -> bool:
        """Whether the row has no line at all."""
        return not self._of_row

    @property
    def problem(self) -> str | None:
        """What is wrong with the text of the row's lines."""
        return next((line.problem for line in self._of_row if line.problem), None)

    def start_row(self) -> None:
        self._of_row = []

    def give_back(self, keep: int = 1) -> None:
        """Take all but the first lines of the row for unread."""
        self._again.extendleft(reversed(self._of_row[keep:]))
        del self._of_row[keep:]


def _next_cells(
    reader: "Iterator[list[str]]", lines: _Lines, columns: list[str], delimiter: str
) -> list[str] | CellError | None:
    """The cells of the next row, as many as there are columns; None at the end."""
    try:
        cells = next(reader)
    except StopIteration:
        return None
    except csv.Error as exc:
        lines.give_back()
        bare = lines.first.text.rstrip("\r\n").split(delimiter)
        if delimiter == _TAB and len(bare) == len(columns):
            # Many programs write tabs without ever quoting: the quote is a part of the text.
            cells = bare
        else:
            return CellError(None, None, f"is not well quoted: {exc}")
    if lines.problem is not None:
        return CellError(None, None, lines.problem)
    surplus = cells[len(columns) :]
    if cells and (len(cells) < len(columns) or any(cell.strip() for cell in surplus)):
        lines.give_back()
        message = f"has {len(cells)} cells where the header has {len(columns)}"
        return CellError(None, None, message)
    return [cell.strip() for cell in cells[: len(columns)]] or [""] * len(columns)


def _sniffed(lines: _Lines) -> str:
    """The separator that stands most often in the header, outside of quotes."""
    header = next(lines, "")
    lines.give_back(keep=0)
    bare = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)


def _header(reader: "Iterator[list[str]]") -> list[str]:
    try:
        columns = [column.strip() for column in next(reader, [])]
    except csv.Error as exc:
        raise RejectedError(f"the header cannot be read: {exc}") from exc
    if not columns:
        raise RejectedError("the file is empty")
    while columns and not columns[-1]:
        columns.pop()
    named = [column for column in columns if column]
    twice = sorted({column for column in named if named.count(column) > 1})
    if not named or twice:
        what = f"columns stand there twice: {', '.join(twice)}" if twice else "there is none"
        raise RejectedError(f"the first line must name the columns: {what}")
    return columns
