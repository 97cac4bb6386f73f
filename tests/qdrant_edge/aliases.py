"""Cleaning up after a test on a Qdrant that others use too."""

from adapters.qdrant.collections import others, remove
from adapters.qdrant.connection import Qdrant


async def remove_catalogue(qdrant: Qdrant, alias: str) -> None:
    """Every collection of the alias; it goes with them."""
    for name in await others(qdrant, alias, ""):
        await remove(qdrant, name)
