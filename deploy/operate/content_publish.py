"""`ai-engine content publish`: the catalogue as it is now into every process, in one round."""

from typing import Any

import click
import msgspec

from core.shelf import Snapshot
from deploy.operate.content_parts import json_option
from deploy.operate.parts import OperatorParts, with_parts
from ingest_worker.publishing.composition import publish_once


@click.command()
@click.option(
    "--rebuild", is_flag=True, help="From the source alone: nothing of the snapshot before."
)
@click.option(
    "--empty", is_flag=True, help="Publish a catalogue without items if the source has none."
)
@json_option
def publish(*, rebuild: bool, empty: bool, as_json: bool) -> None:
    """Have every process serve the catalogue as it is now (needs REDIS_URL).

    The source is QDRANT_API_URL, else CATALOGUE, else the bundled file. A
    publisher does the same by itself whenever the source changes. One that has
    lost all its items is not believed: what was published last stays, unless
    --empty insists.
    """

    async def work(parts: OperatorParts) -> Snapshot:
        return await publish_once(parts.settings, parts.client, anew=rebuild, may_be_empty=empty)

    published = with_parts(work)
    shown: dict[str, Any] = {
        "version": published.version,
        "vector_space": published.vector_space,
        "items": len(published),
    }
    if as_json:
        click.echo(msgspec.json.encode(shown).decode())
    else:
        click.echo(f"published: {shown['items']} items, version {shown['version']}")
