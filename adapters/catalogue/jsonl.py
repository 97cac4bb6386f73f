"""A whole catalogue file in memory: what is served where there is no other content store.

A line that cannot be used is named with its number and left out; the items
beside it are served all the same.
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import msgspec
from msgspec.structs import replace

from adapters.catalogue.problems import RowProblem
from adapters.catalogue.reader import CatalogueReader
from core.content import Content
from core.errors import ConfigError, RejectedError
from core.ports import Embedder
from core.spaces import embedder_space, given_space
from core.vectors import to_grid


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The usable items of a file, and a sentence for each line that is not."""

    contents: tuple[Content, ...]
    vector_space: str
    problems: tuple[str, ...]


def bundled_catalogue() -> Path:
    """The sample catalogue that comes with the project."""
    return Path(str(files("adapters.catalogue"))) / "memorials.jsonl"


def read_catalogue(path: Path, embedder: Embedder) -> Catalogue:
    """Read the items of a file; those without a vector of the file's space are embedded.

    Raises: ConfigError if the file cannot be read or has no usable item.
    """
    found: list[RowProblem] = []
    try:
        reader = CatalogueReader(path)
        contents = [row.content for row in reader.rows(found.append)]
    except RejectedError as exc:
        raise ConfigError(f"CATALOGUE={str(path)!r}: {exc}") from exc
    problems = list(map(str, found))
    if not contents:
        listed = "".join(f"\n  {problem}" for problem in problems)
        raise ConfigError(f"CATALOGUE={str(path)!r} has no usable item{listed}")
    dims = {len(content.vector) for content in contents}
    space = reader.head.vector_space if reader.head else given_space(max(dims))
    if dims == {0} or (len(dims) > 1 and space != embedder_space(embedder)):
        if len(dims) > 1:
            # Vectors of two models have nothing to say to each other: the text decides for all.
            problems.append(
                "only some items bring a vector, or of different lengths: all are embedded"
            )
        contents, space = _embedded(contents, embedder), embedder_space(embedder)
    elif 0 in dims:
        missing = [content for content in contents if not len(content.vector)]
        embedded = {content.id: content for content in _embedded(missing, embedder)}
        contents = [embedded.get(content.id, content) for content in contents]
    return Catalogue(contents=tuple(contents), vector_space=space, problems=tuple(problems))


def _embedded(contents: Sequence[Content], embedder: Embedder) -> list[Content]:
    vectors = embedder.embed([content.embedded_text() for content in contents])
    return [
        replace(content, vector=to_grid(vector))
        for content, vector in zip(contents, vectors, strict=True)
    ]
