"""`ai-engine content stats`: what a catalogue consists of, at one look."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import msgspec

from core.content import Content
from core.ports import ContentRepository
from deploy.operate.content_parts import catalogue_option, json_option, with_repository

_LABELS = 10


class ContentStats(msgspec.Struct, kw_only=True):
    """Counts over all items. `words` is of the texts: the shortest, median and longest."""

    vector_space: str | None
    version: str
    items: int = 0
    placed: int = 0
    without_text: int = 0
    with_image: int = 0
    hidden: int = 0
    timed: int = 0
    pinned: int = 0
    grouped: int = 0
    with_related: int = 0
    words: dict[str, int] = {}
    languages: dict[str, int] = {}
    facets: dict[str, dict[str, Any]] = {}


@click.command()
@catalogue_option
@json_option
def stats(file: Path | None, *, as_json: bool) -> None:
    """Items, tags by facet, places, languages, rules, vectors and version."""
    found = with_repository(file, _count)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for line in _told(found):
        click.echo(line)


async def _count(repository: ContentRepository) -> ContentStats:
    found = ContentStats(
        vector_space=await repository.vector_space(), version=await repository.mark()
    )
    lengths: list[int] = []
    languages = Counter[str]()
    facets: dict[str, Counter[str]] = defaultdict(Counter)
    owners = Counter[str]()
    async for page in repository.scan(vectors=False):
        for content in (one.content for one in page):
            _add(found, content)
            lengths.append(content.words)
            languages[content.language or "unknown"] += 1
            for tag in content.tags:
                facet, _, label = tag.partition(":")
                facets[facet][label] += 1
            owners.update({tag.partition(":")[0] for tag in content.tags})
    found.words = _spread(lengths)
    found.languages = dict(languages.most_common())
    found.facets = {
        facet: {
            "items": owners[facet],
            "labels": len(labels),
            "most": dict(labels.most_common(_LABELS)),
        }
        for facet, labels in sorted(facets.items())
    }
    return found


def _add(found: ContentStats, content: Content) -> None:
    rules = content.rules
    found.items += 1
    found.placed += content.position is not None
    found.without_text += not content.text
    found.with_image += content.image is not None
    found.hidden += rules.hidden
    found.timed += rules.valid_from_ms is not None or rules.valid_until_ms is not None
    found.pinned += rules.pinned is not None
    found.grouped += bool(rules.apart) or rules.together is not None
    found.with_related += bool(content.related)


def _spread(lengths: list[int]) -> dict[str, int]:
    if not lengths:
        return {}
    lengths.sort()
    return {"least": lengths[0], "median": lengths[len(lengths) // 2], "most": lengths[-1]}


def _told(found: ContentStats) -> Iterable[str]:
    yield f"{found.items} items, {found.placed} with a place, {found.with_image} with an image"
    if found.words:
        words = ", ".join(f"{name} {count}" for name, count in found.words.items())
        yield f"words of a text: {words}; {found.without_text} without any"
        languages = ", ".join(f"{count} {name}" for name, count in found.languages.items())
        yield f"languages: {languages}"
    yield (
        f"rules: {found.hidden} hidden, {found.timed} with a time, {found.pinned} pinned, "
        f"{found.grouped} in groups; {found.with_related} name related items"
    )
    for facet, about in found.facets.items():
        most = ", ".join(f"{label} {count}" for label, count in about["most"].items())
        yield f"{facet}: {about['labels']} labels on {about['items']} items: {most}"
    yield f"vectors: {found.vector_space or 'none yet'}; version: {found.version or 'none'}"
