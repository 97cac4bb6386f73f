"""Reads a catalogue file: JSON Lines, one item a line, validated line by line.

A line that cannot be used is named with its number and left out; the items
beside it are served all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from core.content import Content
from core.errors import ConfigError
from core.geo import GeoPoint
from core.ports import Embedder
from core.tags import is_tag
from core.vectors import to_grid

Weight = Annotated[float, Meta(ge=0.0, le=1.0)]
Tags = tuple[str, ...] | dict[str, Weight | tuple[str, ...]]


class CatalogueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `tags`: a list of `facet:label`, or those to weights, or facets to labels."""

    id: Annotated[str, Meta(min_length=1, max_length=512)] | int
    title: Annotated[str, Meta(min_length=1)]
    text: str = ""
    tags: Tags = ()
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    vector: tuple[float, ...] | None = None


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The usable items of a file, and a sentence for each line that is not."""

    contents: tuple[Content, ...]
    vector_space: str
    problems: tuple[str, ...]


_ROW = msgspec.json.Decoder(CatalogueRow)


def bundled_catalogue() -> Path:
    """The sample catalogue that comes with the project."""
    return Path(str(files("adapters.catalogue"))) / "memorials.jsonl"


def read_catalogue(path: Path, embedder: Embedder) -> Catalogue:
    """Read and embed the items of a file; vectors that come with the items are taken.

    Raises: ConfigError if the file cannot be read or has no usable item.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise ConfigError(f"CATALOGUE={str(path)!r}: {exc.strerror}") from exc
    problems: list[str] = []
    rows = dict(_rows(lines, path.name, problems))
    contents, vector_space = _contents(list(rows.values()), embedder, problems)
    if not contents:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ConfigError(f"CATALOGUE={str(path)!r} has no usable item{listed}")
    return Catalogue(contents=contents, vector_space=vector_space, problems=tuple(problems))


def _rows(
    lines: Sequence[bytes], name: str, problems: list[str]
) -> Iterator[tuple[str, CatalogueRow]]:
    seen: set[str] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _ROW.decode(line)
            _check(row)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as exc:
            problems.append(f"{name}, line {number}: {exc}")
            continue
        if str(row.id) in seen:
            problems.append(f"{name}, line {number}: id {row.id!r} stands there twice")
            continue
        seen.add(str(row.id))
        yield str(row.id), row


def _check(row: CatalogueRow) -> None:
    if (row.lat is None) != (row.lon is None):
        raise ValueError("lat and lon go together")
    for tag in _tags(row.tags):
        if not is_tag(tag):
            raise ValueError(f"tag {tag!r} is not of the form facet:label")


def _tags(tags: Tags) -> dict[str, float]:
    if not isinstance(tags, Mapping):
        return dict.fromkeys(tags, 1.0)
    weights: dict[str, float] = {}
    for key, value in tags.items():
        if isinstance(value, tuple):
            weights |= {f"{key}:{label}": 1.0 for label in value}
        else:
            weights[key] = value
    return weights


def _contents(
    rows: Sequence[CatalogueRow], embedder: Embedder, problems: list[str]
) -> tuple[tuple[Content, ...], str]:
    """The items, and the name of the space that their vectors lie in."""
    given = {row.id: row.vector for row in rows if row.vector}
    dims = {len(vector) for vector in given.values()}
    if given and (len(dims) > 1 or len(given) < len(rows)):
        # Vectors of two models have nothing to say to each other: the text decides for all.
        problems.append("only some items bring a vector, or of different lengths: all are embedded")
        given = {}
    space = f"given-{dims.pop()}" if given else f"{embedder.id}-{embedder.dim}"
    contents = tuple(_content(row) for row in rows)
    vectors: Iterable[Any] = (
        [given[row.id] for row in rows]
        if given
        else embedder.embed([content.embedded_text() for content in contents])
        if contents
        else ()
    )
    return tuple(
        msgspec.structs.replace(content, vector=to_grid(vector))
        for content, vector in zip(contents, vectors, strict=True)
    ), space


def _content(row: CatalogueRow) -> Content:
    return Content(
        id=str(row.id),
        title=row.title,
        text=row.text,
        tags=_tags(row.tags),
        position=None if row.lat is None or row.lon is None else GeoPoint(row.lat, row.lon),
        image=row.image,
        place=row.place,
        date=row.date,
    )
