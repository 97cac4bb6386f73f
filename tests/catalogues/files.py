"""Small catalogue files with the troubles of real ones, and short ways to read one."""

from collections.abc import Sequence
from pathlib import Path

from adapters.catalogue.choose import choose_mapping
from adapters.catalogue.problems import RowProblem
from adapters.catalogue.reader import CatalogueReader
from core.content import Content
from core.importing.importer import ImportRow

BENCHES = Path(__file__).parent / "benches.csv"
"""A mark of UTF-8, line breaks in cells, JSON lists, nameless rows, and eight bad rows."""
BENCHES_MAPPED = ("id=inv", "tags.craft=crafts")
TREES = Path(__file__).parent / "trees.tsv"
"""Tabs without quoting, one column for the place, every rule, and no bad row."""


def write(folder: Path, name: str, said: str | bytes) -> Path:
    """A file of that name."""
    path = folder / name
    path.write_bytes(said if isinstance(said, bytes) else said.encode())
    return path


def read(path: Path, *options: str) -> tuple[list[ImportRow], list[RowProblem]]:
    """The usable rows of a file, and its problems."""
    problems: list[RowProblem] = []
    reader = CatalogueReader(path, choose_mapping(path, None, options).mapping)
    return list(reader.rows(problems.append)), problems


def items(path: Path, *options: str) -> dict[str, Content]:
    """The items of a file, by id."""
    return {row.content.id: row.content for row in read(path, *options)[0]}


def told(problems: Sequence[RowProblem]) -> list[str]:
    """The problems as they are printed."""
    return [str(problem) for problem in problems]
