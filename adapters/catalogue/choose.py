"""Finds the mapping of a file: from a mapping file or by guessing, then as options say."""

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from adapters.catalogue.guess import Guess, guess, listed
from adapters.catalogue.mapping import CatalogueMapping, changed, completed, read_mapping
from adapters.catalogue.problems import CellError
from adapters.catalogue.reader import CatalogueReader
from adapters.catalogue.sample import ColumnSample
from core.errors import RejectedError

_SAMPLE_ROWS = 5000


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is read. `left_out`: columns that a guess does not use, and why."""

    mapping: CatalogueMapping | None
    is_guessed: bool = False
    left_out: Mapping[str, str] = {}


def choose_mapping(
    path: Path, mapping_file: Path | None = None, options: Sequence[str] = ()
) -> Chosen:
    """The mapping of a file, None for JSON Lines in the project's own form.

    Raises: RejectedError saying what cannot be found and which columns there are.
    """
    reader = CatalogueReader(path)
    if reader.kind == "items" and mapping_file is None and not options:
        return Chosen(mapping=None)
    base = read_mapping(mapping_file) if mapping_file else {}
    delimiter = changed(base, options, lambda column: column).get("delimiter", "")
    columns = _sample(CatalogueReader(path, _ANY), delimiter)
    found = Guess(mapping=base, left_out={}) if mapping_file else guess(list(columns.values()))

    def list_of(name: str) -> Any:
        return listed(columns[name], columns[name].names_split) if name in columns else name

    said = changed(found.mapping, options, list_of)
    mapping = completed(said, list(columns))
    unused = {name: why for name, why in found.left_out.items() if name not in mapping.columns()}
    return Chosen(mapping=mapping, is_guessed=mapping_file is None, left_out=unused)


_ANY = CatalogueMapping(id="id", title="title")
"""For a reader that only looks at the cells."""


def _sample(reader: CatalogueReader, delimiter: str) -> dict[str, ColumnSample]:
    """The columns as the first rows have them, those with an error left out."""
    values: dict[str, list[Any]] = {}
    rows = 0
    for record in islice(reader.records(delimiter), _SAMPLE_ROWS):
        if isinstance(record.cells, CellError | str):
            continue
        for column, value in record.cells.items():
            values.setdefault(column, [None] * rows).append(value)
        rows += 1
        for cells in values.values():
            cells.extend([None] * (rows - len(cells)))
    if not rows:
        raise RejectedError(f"{reader.path} has no row that can be read")
    return {name: ColumnSample(name, cells) for name, cells in values.items()}
