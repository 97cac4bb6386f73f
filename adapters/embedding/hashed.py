"""The default embedder: a deterministic hashed bag of words and character n-grams.

No model, no download and the same vector on every machine. It sees shared words
and word stems, not meaning; a real sentence model fits the same port.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import log1p

import numpy as np
import numpy.typing as npt

DIM = 384
_WORD = re.compile(r"[^\W_]+")
_SHORTEST_WORD = 4
"""Shorter words are mostly grammar, in any language that writes with spaces."""
_GRAMS = (3, 4)
_WORD_WEIGHT = 1.0
_GRAM_WEIGHT = 0.25
"""A word has some eight n-grams: together they weigh about twice the word itself."""


class HashedEmbedder:
    """Feature hashing with signs.

    Source: K. Weinberger et al., "Feature Hashing for Large Scale Multitask
        Learning", ICML 2009.
    """

    @property
    def id(self) -> str:
        """Changes whenever the vectors do."""
        return f"hashed-words-grams-{DIM}-v1"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return DIM

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors, zeros for a text without words. Shape: (len(texts), dim)."""
        return np.array([_embed(text) for text in texts], dtype=np.float32).reshape(-1, DIM)


def _embed(text: str) -> npt.NDArray[np.float32]:
    counts: Counter[str] = Counter()
    for word in _WORD.findall(text.casefold()):
        if len(word) >= _SHORTEST_WORD:
            counts[word] += 1
    vector = np.zeros(DIM)
    for word, count in counts.items():
        weight = log1p(count)
        for feature, share in _features(word):
            slot, sign = _slot(feature)
            vector[slot] += sign * share * weight
    norm = float(np.sqrt(np.add.reduce(vector * vector)))
    return (vector / norm if norm > 0 else vector).astype(np.float32)


@lru_cache(maxsize=100_000)
def _features(word: str) -> tuple[tuple[str, float], ...]:
    padded = f"<{word}>"
    grams = {
        padded[start : start + size] for size in _GRAMS for start in range(len(padded) - size + 1)
    }
    return ((f"w:{word}", _WORD_WEIGHT), *((f"g:{gram}", _GRAM_WEIGHT) for gram in sorted(grams)))


@lru_cache(maxsize=500_000)
def _slot(feature: str) -> tuple[int, int]:
    digest = int.from_bytes(hashlib.blake2b(feature.encode(), digest_size=8).digest(), "big")
    return digest % DIM, 1 if (digest >> 40) & 1 else -1
