"""Opens the content store that the settings name, for either side's composition."""

from pathlib import Path

import structlog

from adapters.catalogue.jsonl import bundled_catalogue, read_catalogue
from adapters.embedding.choice import open_embedder
from adapters.memory.content_store import InMemoryContentStore
from adapters.settings import SharedSettings
from core.errors import ConfigError
from core.log_names import CATALOGUE_LINE_REJECTED, CATALOGUE_LOADED

_log = structlog.get_logger()


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
