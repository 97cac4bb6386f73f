"""One line of JSON Lines in the project's own form, checked field by field."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from adapters.catalogue.cells import moment
from adapters.catalogue.problems import CellError
from core.content import NOT_EMBEDDED, Content, ContentRules
from core.digests import source_digest
from core.geo import GeoPoint
from core.importing.importer import ImportRow
from core.spaces import is_given
from core.tags import is_tag
from core.vectors import GridVector, to_grid, unpack_grid

Text = Annotated[str, Meta(min_length=1)]
Weight = Annotated[float, Meta(ge=0.0, le=1.0)]
Tags = tuple[str, ...] | dict[str, Weight | tuple[str, ...]]
ItemId = Annotated[str, Meta(min_length=1, max_length=512)]

_PLACE = re.compile(r" - at `\$\.(\w+)")


class CatalogueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `tags`: a list of `facet:label`, or those to weights, or facets to labels."""

    id: ItemId | int
    title: Text
    text: str | None = None
    tags: Tags = ()
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    language: str | None = None
    popularity: Annotated[float, Meta(ge=0.0)] = 0.0
    related: dict[str, Weight] | tuple[str, ...] = ()
    hidden: bool | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    pinned: Annotated[int, Meta(ge=1)] | None = None
    apart: Text | tuple[Text, ...] = ()
    together: Text | None = None
    vector: tuple[float, ...] | str | None = None
    source: str | None = None
    """Of which text the vector was made, where an import has written the line."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file that an import or an export has written."""

    vector_space: str
    dim: int


_ROW = msgspec.json.Decoder(CatalogueRow)
_HEAD = msgspec.json.Decoder(Head)


def decode_head(line: str) -> Head | None:
    """The head, if the line is one."""
    try:
        return _HEAD.decode(line)
    except msgspec.DecodeError:
        return None


def decode_row(line: str) -> CatalogueRow:
    """A checked line. Raises: CellError."""
    try:
        return _ROW.decode(line)
    except msgspec.ValidationError as exc:
        raise _cell_error(line, str(exc)) from exc
    except msgspec.DecodeError as exc:
        raise CellError(None, None, f"is not JSON: {exc}") from exc


def content_of(row: CatalogueRow, head: Head | None = None) -> Content:
    """The item that a line describes, with the vector that stands there. Raises: CellError."""
    content = _content(row)
    vector = _vector(row, head)
    return msgspec.structs.replace(content, vector=vector) if len(vector) else content


def import_row(row: CatalogueRow, head: Head | None = None) -> ImportRow:
    """The same to import or to serve: a text that was edited since has no vector yet."""
    content = content_of(row, head)
    made_here = row.source and head is not None and not is_given(head.vector_space)
    if made_here and row.source != source_digest(content.embedded_text()):
        content = msgspec.structs.replace(content, vector=NOT_EMBEDDED)
    return ImportRow(content=content, says_hidden=row.hidden is not None)


def tag_weights(tags: Tags) -> dict[str, float]:
    """Tags of every form as `facet:label` to weight. Raises: CellError."""
    weights: dict[str, float] = {}
    for key, value in (tags if isinstance(tags, Mapping) else dict.fromkeys(tags, 1.0)).items():
        if isinstance(value, tuple):
            weights |= {f"{key}:{label}": 1.0 for label in value}
        else:
            weights[key] = value
    for tag in weights:
        if not is_tag(tag):
            raise CellError("tags", tag, "is not of the form facet:label")
    return weights


def _content(row: CatalogueRow) -> Content:
    return Content(
        id=str(row.id),
        title=row.title,
        text=row.text or "",
        tags=tag_weights(row.tags),
        position=_position(row),
        image=row.image,
        place=row.place,
        date=row.date,
        language=row.language,
        popularity=row.popularity,
        related=row.related if isinstance(row.related, dict) else dict.fromkeys(row.related, 1.0),
        rules=ContentRules(
            hidden=bool(row.hidden),
            valid_from_ms=_moment("valid_from", row.valid_from),
            valid_until_ms=_moment("valid_until", row.valid_until),
            pinned=row.pinned,
            apart=(row.apart,) if isinstance(row.apart, str) else row.apart,
            together=row.together,
        ),
    )


def _vector(row: CatalogueRow, head: Head | None) -> GridVector:
    if not row.vector:
        return NOT_EMBEDDED
    if not isinstance(row.vector, str):
        return to_grid(row.vector)
    if head is None:
        raise CellError("vector", row.vector, "is packed, but no first line names its space")
    try:
        vector = unpack_grid(row.vector)
    except ValueError as exc:
        raise CellError("vector", row.vector, f"cannot be unpacked: {exc}") from exc
    if len(vector) != head.dim:
        message = f"has {len(vector)} numbers, and the first line says {head.dim}"
        raise CellError("vector", row.vector, message)
    return vector


def _position(row: CatalogueRow) -> GeoPoint | None:
    if row.lat is None and row.lon is None:
        return None
    if row.lat is None or row.lon is None:
        empty = "lat" if row.lat is None else "lon"
        raise CellError(empty, None, "lat and lon go together")
    return GeoPoint(row.lat, row.lon)


def _moment(column: str, value: str | None) -> int | None:
    try:
        return moment(value, day_ends=column == "valid_until")
    except ValueError as exc:
        raise CellError(column, value, str(exc)) from exc


def _cell_error(line: str, said: str) -> CellError:
    """The field and its value, out of what the decoder says."""
    place = _PLACE.search(said)
    if place is None:
        return CellError(None, None, said)
    cells: dict[str, Any] = msgspec.json.decode(line)
    return CellError(place[1], cells.get(place[1]), f"does not fit: {said[: place.start()]}")
