"""`ai-engine content export`: the catalogue as a file that imports back to the same one."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from adapters.catalogue.row import Head
from adapters.catalogue.stored import encode_head, encode_item
from core.errors import RejectedError
from core.ports import ContentRepository
from deploy.operate.content_parts import catalogue_option, with_repository


@click.command()
@click.argument(
    "target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True)
)
@catalogue_option
@click.option("--vectors", is_flag=True, help="With the vectors: nothing is embedded to import it.")
def export(target: Path, file: Path | None, *, vectors: bool) -> None:
    """Write every item, hidden ones too, as JSON Lines into FILE, or `-` for the output.

    An import of that file gives the same catalogue again.
    """
    with _opened(target) as out:
        count = with_repository(file, lambda found: _export(found, out, vectors=vectors))
    click.echo(f"{count} items exported", err=True)


async def _export(repository: ContentRepository, out: IO[bytes], *, vectors: bool) -> int:
    space = await repository.vector_space() if vectors else None
    if vectors and space is None:
        raise RejectedError("the catalogue has no vectors: an import makes them")
    count = 0
    async for page in repository.scan(vectors=vectors):
        if space is not None and count == 0:
            dim = max(len(item.content.vector) for item in page)
            out.write(encode_head(Head(vector_space=space, dim=dim)))
        out.writelines(encode_item(item, vector=vectors) for item in page)
        count += len(page)
    return count


@contextmanager
def _opened(target: Path) -> Iterator[IO[bytes]]:
    """The output, or a file that is there only once it is whole."""
    if str(target) == "-":
        yield sys.stdout.buffer
        return
    new = target.with_name(f"{target.name}.new")
    with new.open("wb") as out:
        yield out
    new.replace(target)
