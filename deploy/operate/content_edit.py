"""`ai-engine content hide`, `unhide` and `delete`: a curator's quick hand on single items."""

from collections.abc import Sequence
from pathlib import Path

import click
from msgspec.structs import replace

from core.errors import RejectedError
from core.ports import ContentRepository, ContentWriter, StoredContent
from deploy.operate.content_parts import catalogue_option, with_repository


@click.command()
@click.argument("content_ids", metavar="ID...", nargs=-1, required=True)
@catalogue_option
def hide(content_ids: Sequence[str], file: Path | None) -> None:
    """Show items in no answer any more; an import leaves them hidden unless its file says else."""
    changed = with_repository(file, lambda found: _set_hidden(found, content_ids, hidden=True))
    click.echo(f"{changed} hidden")


@click.command()
@click.argument("content_ids", metavar="ID...", nargs=-1, required=True)
@catalogue_option
def unhide(content_ids: Sequence[str], file: Path | None) -> None:
    """Show hidden items again."""
    changed = with_repository(file, lambda found: _set_hidden(found, content_ids, hidden=False))
    click.echo(f"{changed} shown again")


@click.command()
@click.argument("content_ids", metavar="ID...", nargs=-1, required=True)
@catalogue_option
def delete(content_ids: Sequence[str], file: Path | None) -> None:
    """Remove items for good; an import of a file that has them brings them back."""

    async def remove(repository: ContentRepository) -> int:
        items = await _all_of(repository, content_ids)
        writer = await _writer(repository, items[0])
        await writer.delete([item.content.id for item in items])
        await writer.commit()
        return len(items)

    click.echo(f"{with_repository(file, remove)} removed")


async def _set_hidden(
    repository: ContentRepository, content_ids: Sequence[str], *, hidden: bool
) -> int:
    items = await _all_of(repository, content_ids)
    changed = [
        _hidden(item, hidden=hidden) for item in items if item.content.rules.hidden != hidden
    ]
    if changed:
        writer = await _writer(repository, changed[0])
        await writer.upsert(changed)
        await writer.commit()
    return len(changed)


def _hidden(item: StoredContent, *, hidden: bool) -> StoredContent:
    content = replace(item.content, rules=replace(item.content.rules, hidden=hidden))
    return StoredContent(content=content, digests=replace(item.digests, item=content.digest()))


async def _all_of(
    repository: ContentRepository, content_ids: Sequence[str]
) -> Sequence[StoredContent]:
    """The items, all of which must be there."""
    found = await repository.get(content_ids)
    missing = [content_id for content_id in content_ids if content_id not in found]
    if missing:
        raise RejectedError(f"there is no item {', '.join(missing)}; nothing was changed")
    return list(found.values())


async def _writer(repository: ContentRepository, item: StoredContent) -> ContentWriter:
    space = await repository.vector_space()
    return await repository.open(vector_space=space or "", dim=len(item.content.vector))
