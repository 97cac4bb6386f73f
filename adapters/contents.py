"""Opens the content store that the settings name, for either side's composition."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from adapters.catalogue.file_repository import CatalogueFile
from adapters.catalogue.jsonl import bundled_catalogue, read_catalogue
from adapters.embedding.choice import open_embedder
from adapters.memory.content_store import InMemoryContentStore
from adapters.settings import SharedSettings
from core.errors import ConfigError
from core.log_names import CATALOGUE_LINE_REJECTED, CATALOGUE_LOADED
from core.ports import ContentRepository

_log = structlog.get_logger()


@asynccontextmanager
async def open_content_repository(
    settings: SharedSettings, file: Path | None = None
) -> AsyncIterator[ContentRepository]:
    """The catalogue to look after: `file` if one is named, else in Qdrant, else in CATALOGUE.

    Raises: ConfigError where nothing says which.
    """
    if file is None and settings.qdrant_api_url:
        async with _open_qdrant(settings) as repository:
            yield repository
    elif file is not None or settings.catalogue:
        yield CatalogueFile(file or Path(settings.catalogue))
    else:
        raise ConfigError("say which catalogue: set QDRANT_API_URL or CATALOGUE, or name a file")


@asynccontextmanager
async def _open_qdrant(settings: SharedSettings) -> AsyncIterator[ContentRepository]:
    # Half a second and 60 MB, for those who use it.
    from adapters.qdrant.connection import Qdrant  # noqa: PLC0415
    from adapters.qdrant.repository import QdrantContentRepository  # noqa: PLC0415

    qdrant = Qdrant(
        settings.qdrant_api_url,
        api_key=settings.qdrant_api_key,
        timeout_s=settings.qdrant_timeout_s,
    )
    try:
        yield QdrantContentRepository(qdrant, settings.qdrant_collection)
    finally:
        await qdrant.aclose()


def open_content_store(settings: SharedSettings) -> InMemoryContentStore:
    """The catalogue in memory, from CATALOGUE or the bundled file.

    Raises: ConfigError where the settings ask for what is not there.
    """
    if settings.qdrant_api_url:
        raise ConfigError(
            f"QDRANT_API_URL={settings.qdrant_api_url!r}: this version has no Qdrant content "
            "store; unset it and name a file in CATALOGUE"
        )
    path = Path(settings.catalogue) if settings.catalogue else bundled_catalogue()
    catalogue = read_catalogue(path, open_embedder(settings.embedder))
    for problem in catalogue.problems:
        _log.warning(CATALOGUE_LINE_REJECTED, problem=problem)
    store = InMemoryContentStore(catalogue.contents, catalogue.vector_space)
    _log.info(CATALOGUE_LOADED, path=str(path), items=len(store), version=store.version)
    return store
