"""Makes items of a file's cells, as a mapping says."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from adapters.catalogue import cells
from adapters.catalogue.mapping import CatalogueMapping, Columns, ListColumn, list_column, several
from adapters.catalogue.problems import CellError
from core.content import NOT_EMBEDDED, Content, ContentRules
from core.geo import GeoPoint
from core.importing.importer import ImportRow
from core.tags import is_tag
from core.vectors import to_grid

T = TypeVar("T")
Cells = Mapping[str, Any]

_MAX_ID_CHARS = 512
_TITLE_CHARS = 80
"""Of a title that is the start of a text."""


class RowMapper:
    """One mapping, applied to every row of a file."""

    def __init__(self, mapping: CatalogueMapping) -> None:
        """Look up once what every row needs."""
        self._mapping = mapping
        self._tags = [(facet, _listed(column)) for facet, column in mapping.tags.items()]
        self._apart = list_column(mapping.apart)
        self._related = list_column(mapping.related)

    def __call__(self, row: Cells) -> ImportRow:
        """The item of a row. Raises: CellError."""
        mapping = self._mapping
        vector = _read(row, mapping.vector, cells.vector) or ()
        content = Content(
            id=self._id(row),
            title=self._title(row),
            text=_joined(row, mapping.text, "\n\n"),
            tags=self._tag_weights(row),
            position=self._position(row),
            image=_text(row, mapping.image),
            place=_joined(row, mapping.place, ", ") or None,
            date=_text(row, mapping.date),
            language=_text(row, mapping.language),
            popularity=_read(row, mapping.popularity, _popularity) or 0.0,
            related=self._related_weights(row),
            rules=self._rules(row),
            vector=to_grid(vector) if vector else NOT_EMBEDDED,
        )
        return ImportRow(content=content, says_hidden=bool(mapping.hidden))

    def _id(self, row: Cells) -> str:
        found = cells.text(row.get(self._mapping.id))
        if not 0 < len(found) <= _MAX_ID_CHARS:
            message = f"is no id: it needs 1 to {_MAX_ID_CHARS} characters"
            raise CellError(self._mapping.id, found, message)
        return found

    def _title(self, row: Cells) -> str:
        columns = several(self._mapping.title)
        for column in columns:
            if found := cells.text(row.get(column)):
                return _start(found) if column in several(self._mapping.text) else found
        raise CellError(", ".join(columns), None, "empty, and a title is needed")

    def _tag_weights(self, row: Cells) -> dict[str, float]:
        tags: dict[str, float] = {}
        for facet, column in self._tags:
            for label in _read(row, column.column, cells.parts, column.split) or ():
                # A label without a letter or digit, as `-`, stands for none.
                if is_tag(tag := f"{facet}:{label}"):
                    tags[tag] = column.weight
        return tags

    def _related_weights(self, row: Cells) -> Mapping[str, float]:
        column = self._related
        if column is None:
            return {}
        return _read(row, column.column, cells.weights, column.split, column.weight) or {}

    def _position(self, row: Cells) -> GeoPoint | None:
        mapping = self._mapping
        if mapping.position:
            return _read(row, mapping.position, cells.position)
        lat = _read(row, mapping.lat, cells.number, -90, 90)
        lon = _read(row, mapping.lon, cells.number, -180, 180)
        if lat is None and lon is None:
            return None
        if lat is None or lon is None:
            empty, other = (mapping.lat, mapping.lon) if lat is None else (mapping.lon, mapping.lat)
            raise CellError(empty, None, f"empty, although {other} is filled")
        return GeoPoint(lat, lon)

    def _rules(self, row: Cells) -> ContentRules:
        mapping, apart = self._mapping, self._apart
        return ContentRules(
            hidden=_read(row, mapping.hidden, cells.flag) or False,
            valid_from_ms=_read(row, mapping.valid_from, cells.moment),
            valid_until_ms=_read(row, mapping.valid_until, _end),
            pinned=_read(row, mapping.pinned, cells.whole, 1),
            apart=tuple(_read(row, apart.column, cells.parts, apart.split) or ()) if apart else (),
            together=_text(row, mapping.together),
        )


def _read(row: Cells, column: str, read: Callable[..., T | None], *more: Any) -> T | None:
    """What a cell means, if the mapping names its column."""
    if not column:
        return None
    try:
        return read(row.get(column), *more)
    except ValueError as exc:
        raise CellError(column, row.get(column), str(exc)) from exc


def _text(row: Cells, column: str) -> str | None:
    return cells.text(row.get(column)) or None


def _joined(row: Cells, columns: Columns, between: str) -> str:
    return between.join(filter(None, (cells.text(row.get(one)) for one in several(columns))))


def _popularity(cell: Any) -> float | None:
    return cells.number(cell, 0)


def _end(cell: Any) -> int | None:
    return cells.moment(cell, day_ends=True)


def _listed(column: str | ListColumn) -> ListColumn:
    return column if isinstance(column, ListColumn) else ListColumn(column=column)


def _start(text: str) -> str:
    """The start of a text, as a title."""
    line = " ".join(text.split())
    if len(line) <= _TITLE_CHARS:
        return line
    sentence, _, _ = line.partition(". ")
    if _TITLE_CHARS // 4 <= len(sentence) <= _TITLE_CHARS:
        return sentence
    return f"{line[: _TITLE_CHARS - 1].rsplit(' ', 1)[0].rstrip(' ,;:-')}…"
