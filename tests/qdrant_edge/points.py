"""Writing points: upsert, payloads, deletion."""

from __future__ import annotations  # some of the engine's types are in its stubs alone

from typing import Any, cast

import qdrant_edge as edge
from qdrant_client import models

from tests.qdrant_edge.errors import QdrantError, not_spoken
from tests.qdrant_edge.filters import filter_of


def upsert_of(points: list[dict[str, Any]]) -> edge.UpdateOperation:
    """Points as they stand in the body."""
    return edge.UpdateOperation.upsert_points([_point(one) for one in points])


def delete_of(wanted: models.PointsSelector) -> edge.UpdateOperation:
    """By ids or by a filter."""
    if isinstance(wanted, models.FilterSelector):
        return edge.UpdateOperation.delete_points_by_filter(_needed(wanted.filter))
    return edge.UpdateOperation.delete_points([_id(one) for one in wanted.points])


def set_payload_of(wanted: models.SetPayload) -> edge.UpdateOperation:
    """Some fields of a payload, the others stay."""
    if wanted.points is not None:
        ids = [_id(one) for one in wanted.points]
        return edge.UpdateOperation.set_payload(ids, wanted.payload, wanted.key)
    where = _needed(wanted.filter)
    return edge.UpdateOperation.set_payload_by_filter(where, wanted.payload, wanted.key)


def overwrite_payload_of(wanted: models.SetPayload) -> edge.UpdateOperation:
    """The whole payload."""
    if wanted.points is not None:
        ids = [_id(one) for one in wanted.points]
        return edge.UpdateOperation.overwrite_payload(ids, wanted.payload)
    where = _needed(wanted.filter)
    return edge.UpdateOperation.overwrite_payload_by_filter(where, wanted.payload)


def delete_payload_of(wanted: models.DeletePayload) -> edge.UpdateOperation:
    """Without these fields."""
    if wanted.points is not None:
        return edge.UpdateOperation.delete_payload([_id(one) for one in wanted.points], wanted.keys)
    return edge.UpdateOperation.delete_payload_by_filter(_needed(wanted.filter), wanted.keys)


def _needed(wanted: models.Filter | None) -> edge.Filter:
    where = filter_of(wanted)
    if where is None:
        raise QdrantError(400, "Bad request: Either list of ids or filter must be provided")
    return where


def _id(wanted: models.ExtendedPointId) -> edge.PointId:
    return wanted if isinstance(wanted, int) else str(wanted)


def _point(point: dict[str, Any]) -> edge.Point:
    extra = sorted(set(point) - {"id", "vector", "payload"})
    if extra or not {"id", "vector"} <= set(point):
        named = f"unknown field `{extra[0]}`" if extra else "missing field"
        raise QdrantError(400, f"Format error in JSON body: {named} in {sorted(point)}")
    named_vectors = point["vector"]
    if not isinstance(named_vectors, dict):
        raise not_spoken("vectors without a name")
    vectors = {name: _vector(name, one) for name, one in named_vectors.items()}
    try:
        return edge.Point(point["id"], vectors, point.get("payload") or {})
    except (TypeError, ValueError) as exc:
        raise QdrantError(400, f"Format error in JSON body: {exc}") from exc


def _vector(name: str, vector: Any) -> edge.NamedVector:
    if isinstance(vector, list):
        return cast("list[float]", vector)
    if not isinstance(vector, dict) or set(vector) != {"indices", "values"}:
        raise not_spoken(f"the vector {name} of another form")
    indices, values = vector["indices"], vector["values"]
    problem = None
    if len(set(indices)) != len(indices):
        problem = "must be unique"
    elif len(indices) != len(values):
        problem = "must be the same length as values"
    if problem:
        raise QdrantError(
            422, f"Validation error in JSON body: [points[0].vector.{name}.indices: {problem}]"
        )
    return edge.SparseVector(indices, values)
