"""The embedders of the tests; the sentence model only where its extra is installed."""

from functools import lru_cache

import pytest

from adapters.embedding.choice import EmbedderName, open_embedder
from core.ports import Embedder


def embedder_or_skip(name: EmbedderName) -> Embedder:
    """Opened once a run: the sentence model takes a third of a second."""
    if name == "minilm":
        pytest.importorskip("onnxruntime", reason="needs the extra minilm: make minilm")
    return _embedder(name)


_embedder = lru_cache(open_embedder)
