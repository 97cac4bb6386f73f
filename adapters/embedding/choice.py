"""Opens the embedder that the settings name; what only one of them needs loads with it."""

from typing import Literal

from adapters.embedding.hashed import HashedEmbedder
from core.errors import ConfigError
from core.ports import Embedder

EmbedderName = Literal["hashed", "minilm"]


def open_embedder(name: EmbedderName) -> Embedder:
    """The embedder of EMBEDDER.

    Raises: ConfigError where it needs an extra that is not installed.
    """
    if name == "hashed":
        return HashedEmbedder()
    try:
        from adapters.embedding.minilm import MiniLmEmbedder  # noqa: PLC0415 - an optional extra

        return MiniLmEmbedder()
    except ImportError as exc:
        raise ConfigError(
            f"EMBEDDER={name} needs the extra {name} ({exc}): "
            f"make {name}, or pip install '.[{name}]'"
        ) from exc
