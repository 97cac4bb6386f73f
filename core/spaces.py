"""Names of vector spaces: which embedder made the vectors, or that they came with the items."""

from core.ports import Embedder

_GIVEN = "given-"


def embedder_space(embedder: Embedder) -> str:
    """The space of what an embedder makes."""
    return f"{embedder.id}-{embedder.dim}"


def given_space(dim: int) -> str:
    """The space of vectors that came with the items, from nobody knows which model."""
    return f"{_GIVEN}{dim}"


def is_given(vector_space: str) -> bool:
    """Whether the vectors of a space came with the items."""
    return vector_space.startswith(_GIVEN)
