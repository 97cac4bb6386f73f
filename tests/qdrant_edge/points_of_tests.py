"""A few points for the tests of the test server."""

from collections.abc import Sequence
from typing import Any

from qdrant_client import AsyncQdrantClient, models

HERE = {"lat": 52.5, "lon": 13.4}
_NAMES = ("one", "ü-😀", "three", "a song of the Résistance")


def connect(url: str, headers: dict[str, str] | None = None) -> AsyncQdrantClient:
    """The real client."""
    return AsyncQdrantClient(url=url, headers=headers, check_compatibility=False)


async def make(client: AsyncQdrantClient, name: str, **options: Any) -> bool:
    """A collection with a vector of three numbers and a sparse one."""
    return await client.create_collection(
        name,
        vectors_config={"content": models.VectorParams(size=3, distance=models.Distance.DOT)},
        sparse_vectors_config={"tags": models.SparseVectorParams()},
        **options,
    )


async def fill(client: AsyncQdrantClient, name: str) -> None:
    """Four points: the second field of a vector falls, the places go north."""
    points = [
        models.PointStruct(
            id=n,
            vector={
                "content": [float(n), 3.0 - n, 0.0],
                "tags": models.SparseVector(indices=[n, 2**32 - 1], values=[1.0, 1 / n]),
            },
            payload={
                "n": n,
                "name": label,
                "hidden": n == 1,
                "none": None,
                "place": HERE | {"lat": HERE["lat"] + (n > 2) * n},
            },
        )
        for n, label in enumerate(_NAMES, start=1)
    ]
    await client.upsert(name, points, wait=True)


def ids(points: Sequence[models.Record | models.ScoredPoint]) -> list[Any]:
    """In their order."""
    return [one.id for one in points]
