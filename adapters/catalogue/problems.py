"""What is wrong with one row of a catalogue file, so that its curator finds the cell."""

from collections.abc import Callable

import msgspec

_SHOWN_CHARS = 80


class CellError(ValueError):
    """A value that its field cannot take; the message says what it can."""

    def __init__(self, column: str | None, value: object, message: str) -> None:
        """`column` is None where the whole row is meant."""
        super().__init__(message)
        self.column = column
        self.value = value


class RowProblem(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is left out.

    `row` counts as a spreadsheet does, the header being row 1; a row whose
    cells hold line breaks begins at a later `line` of the file.
    """

    file: str
    line: int
    row: int
    column: str | None = None
    value: str | None = None
    message: str

    @classmethod
    def of(cls, error: CellError, file: str, line: int, row: int) -> "RowProblem":
        """The problem that a cell's error is in its place."""
        value = None if error.value is None else shortened(error.value)
        return cls(
            file=file, line=line, row=row, column=error.column, value=value, message=str(error)
        )

    def __str__(self) -> str:
        place = (
            f"line {self.line}" if self.row == self.line else f"row {self.row}, line {self.line}"
        )
        column = "" if self.column is None else f"column {self.column}: "
        value = "" if self.value is None else f"{self.value} "
        return f"{self.file}, {place}: {column}{value}{self.message}"


Report = Callable[[RowProblem], None]


def unreported(_problem: RowProblem) -> None:
    """For a second look at a file whose problems are known."""


def shortened(value: object) -> str:
    """A value as it stands in a message."""
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"
