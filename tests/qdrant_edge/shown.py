"""What an answer shows of a point: the selectors of a request, and a point as JSON."""

from __future__ import annotations  # some of the engine's types are in its stubs alone

from typing import Any
from uuid import UUID

import qdrant_edge as edge
from qdrant_client import models


def payload_selector(wanted: models.WithPayloadInterface | None) -> edge.WithPayloadType | None:
    """Which parts of the payload are asked for."""
    match wanted:
        case models.PayloadSelectorInclude():
            return edge.PayloadSelector.Include(wanted.include)
        case models.PayloadSelectorExclude():
            return edge.PayloadSelector.Exclude(wanted.exclude)
        case None | bool():
            return wanted
    return list(wanted)


def vector_selector(wanted: models.WithVector | None) -> edge.WithVectorType | None:
    """Which vectors are asked for."""
    return wanted if wanted is None or isinstance(wanted, bool) else list(wanted)


def record(point: edge.Record) -> dict[str, Any]:
    """A point of a scroll or a retrieval."""
    shown = {"id": _id(point.id), "payload": point.payload, "vector": _vector(point.vector)}
    return shown | ({} if point.order_value is None else {"order_value": point.order_value})


def scored(point: edge.ScoredPoint) -> dict[str, Any]:
    """A point of a query."""
    shown = {
        "id": _id(point.id),
        "version": point.version,
        "score": point.score,
        "payload": point.payload,
        "vector": _vector(point.vector),
    }
    return shown | ({} if point.order_value is None else {"order_value": point.order_value})


def offset(point_id: edge.PointId | None) -> int | str | None:
    """Where the next page begins."""
    return None if point_id is None else _id(point_id)


def _id(point_id: edge.PointId) -> int | str:
    return str(point_id) if isinstance(point_id, UUID) else point_id


def _vector(vector: Any) -> Any:
    if isinstance(vector, dict):
        return {name: _vector(one) for name, one in vector.items()}
    if isinstance(vector, edge.SparseVector):
        return {"indices": vector.indices, "values": vector.values}
    return vector
