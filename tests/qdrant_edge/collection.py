"""One collection: a folder with its description and one shard of Qdrant's engine."""

import shutil
from pathlib import Path
from threading import Lock
from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from tests.qdrant_edge.errors import QdrantError, engine_errors, not_spoken
from tests.qdrant_edge.indexes import schema_as_json

_SPOKEN = {"vectors", "sparse_vectors", "metadata", "on_disk_payload", "optimizers_config"}
_SPOKEN |= {"hnsw_config"}  # which only says how fast a search is
_DISTANCES = {
    models.Distance.DOT: edge.Distance.Dot,
    models.Distance.COSINE: edge.Distance.Cosine,
}

_FLUSH_EVERY = 100
"""Writes after which the log begins anew; a start reads what is in it."""


class Collection:
    """An open shard. The engine reads in parallel; writes take turns, as on a server."""

    def __init__(self, folder: Path) -> None:
        """Open what `make` made."""
        self._folder = folder
        self._wanted = models.CreateCollection.model_validate_json(_description(folder).read_text())
        with engine_errors():
            self.shard = edge.EdgeShard.load(str(folder / "shard"))
        self._turn = Lock()
        self._writes = 0

    @classmethod
    def make(cls, folder: Path, wanted: models.CreateCollection) -> "Collection":
        """Whole or not at all: a killed server leaves nothing half made."""
        made = folder.with_name(f"{folder.name}.making")
        shutil.rmtree(made, ignore_errors=True)
        (made / "shard").mkdir(parents=True)
        with engine_errors():
            edge.EdgeShard.create(str(made / "shard"), _config(wanted)).close()
        _description(made).write_text(wanted.model_dump_json(exclude_none=True))
        made.rename(folder)
        return cls(folder)

    def write(self, operation: edge.UpdateOperation) -> None:
        """Apply, and as a server does: what is in the engine's log outlives a killed process."""
        with self._turn, engine_errors():
            self.shard.update(operation)
            self._writes += 1
            if self._writes % _FLUSH_EVERY == 0:
                self.shard.flush()

    def optimize(self) -> None:
        """Merge segments and index vectors, which a server does by itself."""
        with self._turn, engine_errors():
            self.shard.optimize()

    def close(self) -> None:
        """Flush and let go of the files."""
        with self._turn, engine_errors():
            self.shard.close()

    def remove(self) -> None:
        """Out of sight first, so that a killed server never shows half of it."""
        removed = self._folder.with_name(f"{self._folder.name}.removing")
        self.close()
        self._folder.rename(removed)
        shutil.rmtree(removed)

    def as_json(self) -> dict[str, Any]:
        """What `get_collection` answers."""
        with engine_errors():
            info = self.shard.info()
        asked = self._wanted.model_dump(mode="json", exclude_none=True)
        params = {"vectors": asked.get("vectors"), "sparse_vectors": asked.get("sparse_vectors")}
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "indexed_vectors_count": info.indexed_vectors_count,
            "segments_count": info.segments_count,
            "payload_schema": schema_as_json(info.payload_schema),
            "config": {
                "params": params,
                "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000},
                "optimizer_config": {"default_segment_number": 0, "flush_interval_sec": 5},
                "metadata": asked.get("metadata"),
            },
        }


def _description(folder: Path) -> Path:
    return folder / "collection.json"


def _config(wanted: models.CreateCollection) -> edge.EdgeConfig:
    if extra := wanted.model_fields_set - _SPOKEN - _unset(wanted):
        raise not_spoken(f"a collection with {min(extra)}")
    if not isinstance(wanted.vectors, dict):
        raise not_spoken("vectors without a name")
    dense = {name: _dense(params) for name, params in wanted.vectors.items()}
    sparse = {name: edge.EdgeSparseVectorParams() for name in wanted.sparse_vectors or {}}
    return edge.EdgeConfig(vectors=dense, sparse_vectors=sparse)


def _unset(wanted: models.CreateCollection) -> set[str]:
    return {name for name in wanted.model_fields_set if getattr(wanted, name) is None}


def _dense(params: models.VectorParams) -> edge.EdgeVectorParams:
    if params.distance not in _DISTANCES:
        raise not_spoken(f"the distance {params.distance}")
    if params.size < 1:
        raise QdrantError(422, "Validation error in JSON body: [vectors.size: must be positive]")
    return edge.EdgeVectorParams(size=params.size, distance=_DISTANCES[params.distance])
