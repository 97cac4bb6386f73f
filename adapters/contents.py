"""Opens the content store that the settings name, for either side's composition."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from adapters.addresses import qdrant_tls
from adapters.catalogue.file_repository import CatalogueFile
from adapters.catalogue.jsonl import bundled_catalogue, read_catalogue
from adapters.embedding.choice import open_embedder
from adapters.memory.content_store import InMemoryContentStore
from adapters.settings import SharedSettings
from core.errors import ConfigError
from core.log_names import CATALOGUE_LINE_REJECTED, CATALOGUE_LOADED
from core.ports import ContentRepository, ContentStore

if TYPE_CHECKING:
    from adapters.qdrant.connection import Qdrant

_log = structlog.get_logger()


@asynccontextmanager
async def open_content_repository(
    settings: SharedSettings, file: Path | None = None, *, or_bundled: bool = False
) -> AsyncIterator[ContentRepository]:
    """The catalogue to look after: `file` if one is named, else in Qdrant, else in CATALOGUE.

    Raises: ConfigError where nothing says which, unless the bundled one is meant then.
    """
    if file is None and settings.qdrant_api_url:
        # Half a second and 60 MB, for those who use it.
        from adapters.qdrant.repository import QdrantContentRepository  # noqa: PLC0415

        async with open_qdrant(settings) as qdrant:
            yield QdrantContentRepository(qdrant, settings.qdrant_collection)
    elif file is not None or settings.catalogue or or_bundled:
        yield CatalogueFile(file or _catalogue_path(settings))
    else:
        raise ConfigError("say which catalogue: QDRANT_API_URL, CATALOGUE or --catalogue FILE")


@asynccontextmanager
async def open_searched_catalogue(
    settings: SharedSettings, file: Path | None = None
) -> AsyncIterator[ContentStore]:
    """The same catalogue to search as answers do, the bundled one where nothing says which."""
    if file is None and settings.qdrant_api_url:
        from adapters.qdrant.content_store import QdrantContentStore  # noqa: PLC0415

        async with open_qdrant(settings) as qdrant:
            yield await QdrantContentStore.open(qdrant, settings.qdrant_collection)
    else:
        yield _in_memory(settings, file)


@asynccontextmanager
async def open_qdrant(settings: SharedSettings) -> AsyncIterator["Qdrant"]:
    """A client, closed at the end."""
    from adapters.qdrant.connection import Qdrant  # noqa: PLC0415

    qdrant = Qdrant(
        settings.qdrant_api_url,
        api_key=settings.qdrant_api_key,
        timeout_s=settings.qdrant_timeout_s,
        tls=qdrant_tls(settings),
    )
    try:
        yield qdrant
    finally:
        await qdrant.aclose()


def open_content_store(settings: SharedSettings) -> InMemoryContentStore:
    """The catalogue in memory, from CATALOGUE or the bundled file.

    Raises: ConfigError where it is in Qdrant, or not there.
    """
    if settings.qdrant_api_url:
        raise ConfigError(
            "QDRANT_API_URL: snapshots of its catalogue come by Redis; set REDIS_URL, or "
            "CONTENT_SERVING=qdrant to ask it for every answer"
        )
    return _in_memory(settings)


def _in_memory(settings: SharedSettings, file: Path | None = None) -> InMemoryContentStore:
    path = file or _catalogue_path(settings)
    catalogue = read_catalogue(path, open_embedder(settings.embedder))
    for problem in catalogue.problems:
        _log.warning(CATALOGUE_LINE_REJECTED, problem=problem)
    store = InMemoryContentStore(catalogue.contents, catalogue.vector_space)
    _log.info(CATALOGUE_LOADED, path=str(path), items=len(store), version=store.version)
    return store


def _catalogue_path(settings: SharedSettings) -> Path:
    return Path(settings.catalogue) if settings.catalogue else bundled_catalogue()
