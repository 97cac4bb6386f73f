"""A part of the catalogue, kept in memory for when Qdrant is away; for the read side's composition.

Some hundred items, the popular ones, the pinned ones and a sample, as a content store
of their own: filters, rules and radius hold in answers from it as in all others.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from adapters.memory.content_store import InMemoryContentStore
from adapters.snapshot.live import LiveContentStore
from core.content import Content, ContentFilter
from core.errors import EngineError, NoCatalogueError
from core.log_names import STANDBY_FAILED
from core.ports import ContentStore

_POPULAR = 200
_SAMPLE = 300
_EVERY_S = 30.0
_FIRST_LOOK_S = 0.25
"""How often the catalogue is looked at while nothing has been kept."""
_ANYTHING = ContentFilter()

_log = structlog.get_logger()


@asynccontextmanager
async def standby_of(contents: ContentStore) -> AsyncIterator[LiveContentStore]:
    """What is kept of the catalogue, gathered anew now and then while it is there."""
    kept = LiveContentStore()
    task = asyncio.create_task(_keep(contents, kept))
    try:
        yield kept
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def some_of(contents: ContentStore) -> list[Content]:
    """The items that are worth keeping, and all members of their groups, by id."""
    found = [
        await contents.pinned(where=_ANYTHING),
        await contents.search_popular(limit=_POPULAR, where=_ANYTHING),
        await contents.sample(limit=_SAMPLE, seed=0, where=_ANYTHING),
    ]
    kept = {one.id: one for rows in found for one in rows}
    groups = {one.rules.together for one in kept.values() if one.rules.together is not None}
    members = await contents.together(sorted(groups)) if groups else {}
    kept |= {one.id: one for rows in members.values() for one in rows}
    return [kept[content_id] for content_id in sorted(kept)]


async def _keep(contents: ContentStore, kept: LiveContentStore) -> None:
    is_failing = False
    while True:
        try:
            edition = contents.edition()
            items = await some_of(edition)
            # Some hundred milliseconds at most, but not of the loop's.
            kept.swap(await asyncio.to_thread(InMemoryContentStore, items, edition.vector_space))
            is_failing = False
        except NoCatalogueError:
            pass  # who looks for it says so
        except EngineError as exc:
            if not is_failing:
                _log.warning(STANDBY_FAILED, error=str(exc))
            is_failing = True
        except Exception:
            # Whatever it is: what was kept is better than nothing.
            _log.exception(STANDBY_FAILED)
        await asyncio.sleep(_EVERY_S if kept.is_there else _FIRST_LOOK_S)
