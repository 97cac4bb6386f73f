"""`ai-engine content`: looks after the catalogue, in Qdrant or in a file."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from adapters.contents import open_searched_catalogue
from adapters.settings import SharedSettings
from core.content import Content, ContentFilter
from core.errors import RejectedError
from core.ports import ContentRepository
from deploy.operate.content_edit import delete, hide, unhide
from deploy.operate.content_export import export
from deploy.operate.content_import import import_file
from deploy.operate.content_parts import (
    catalogue_option,
    json_option,
    with_repository,
    with_settings,
)
from deploy.operate.content_publish import publish
from deploy.operate.content_stats import stats


@click.group()
def content() -> None:
    """The catalogue: what can be recommended (in QDRANT_API_URL, CATALOGUE or --catalogue FILE)."""


@content.command()
@click.argument("content_id", metavar="ID")
@catalogue_option
def show(content_id: str, file: Path | None) -> None:
    """Everything that is stored of one item but its vector, as JSON."""

    async def look(repository: ContentRepository) -> dict[str, Any]:
        found = await repository.get([content_id])
        if content_id not in found:
            raise RejectedError(f"there is no item {content_id}")
        item = found[content_id]
        return item.content.as_record() | {
            "words": item.content.words,
            "vector_space": await repository.vector_space(),
            "digests": msgspec.to_builtins(item.digests),
        }

    click.echo(json.dumps(with_repository(file, look), indent=2, ensure_ascii=False))


@content.command()
@click.argument("query")
@catalogue_option
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@json_option
def search(query: str, file: Path | None, limit: int, *, as_json: bool) -> None:
    """The items that visitors may get whose title or text has words of QUERY, best first."""

    async def find(settings: SharedSettings) -> list[Content]:
        async with open_searched_catalogue(settings, file) as store:
            return list(await store.search_text(query, limit=limit, where=ContentFilter()))

    found = with_settings(find)
    if as_json:
        click.echo(json.dumps({"items": [{"id": one.id, "title": one.title} for one in found]}))
        return
    for one in found:
        click.echo(f"{one.id}  {one.title}")
    if not found:
        click.echo("nothing has any of these words", err=True)


for command in (import_file, export, stats, hide, unhide, delete, publish):
    content.add_command(command)
