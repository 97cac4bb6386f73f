"""Queries: dense and sparse vectors, formulas, order, prefetch; and what a scroll orders by."""

from __future__ import annotations  # some of the engine's types are in its stubs alone

from typing import Any, cast

import qdrant_edge as edge
from qdrant_client import models

from tests.qdrant_edge.errors import QdrantError, not_spoken
from tests.qdrant_edge.filters import filter_of, geo_point
from tests.qdrant_edge.shown import payload_selector, vector_selector

_LIMIT = 10
"""Of a request that names none."""


def query_of(wanted: models.QueryRequest) -> edge.QueryRequest:
    """One query."""
    for name in ("lookup_from", "shard_key"):
        if getattr(wanted, name) is not None:
            raise not_spoken(name)
    return edge.QueryRequest(
        limit=_limit(wanted.limit),
        offset=wanted.offset,
        query=None if wanted.query is None else _scoring(wanted.query, wanted.using),
        prefetches=_prefetches(wanted.prefetch),
        with_vector=vector_selector(wanted.with_vector),
        with_payload=payload_selector(wanted.with_payload),
        filter=filter_of(wanted.filter),
        score_threshold=wanted.score_threshold,
        params=_params(wanted.params),
    )


def scroll_of(wanted: models.ScrollRequest) -> edge.ScrollRequest:
    """One page of points."""
    shown = True if wanted.with_payload is None else wanted.with_payload
    if wanted.order_by is not None and wanted.offset is not None:
        raise QdrantError(400, "Wrong input: Cannot use an `offset` when using `order_by`")
    return edge.ScrollRequest(
        offset=None if wanted.offset is None else _point_id(wanted.offset),
        limit=_limit(wanted.limit),
        filter=filter_of(wanted.filter),
        with_payload=payload_selector(shown),
        with_vector=vector_selector(wanted.with_vector),
        order_by=None if wanted.order_by is None else _order(wanted.order_by),
    )


def _limit(wanted: int | None) -> int:
    limit = _LIMIT if wanted is None else wanted
    if limit < 1:
        raise QdrantError(422, f"Validation error in JSON body: [limit: value {limit} invalid]")
    return limit


def _point_id(wanted: models.ExtendedPointId) -> edge.PointId:
    return wanted if isinstance(wanted, int) else str(wanted)


def _prefetches(wanted: Any) -> list[edge.Prefetch] | None:
    if wanted is None:
        return None
    listed = wanted if isinstance(wanted, list) else [wanted]
    return [
        edge.Prefetch(
            limit=_limit(one.limit),
            query=None if one.query is None else _scoring(one.query, one.using),
            prefetches=_prefetches(one.prefetch),
            params=_params(one.params),
            filter=filter_of(one.filter),
            score_threshold=one.score_threshold,
        )
        for one in cast("list[models.Prefetch]", listed)
    ]


def _params(wanted: models.SearchParams | None) -> edge.SearchParams | None:
    if wanted is None:
        return None
    return edge.SearchParams(
        hnsw_ef=wanted.hnsw_ef,
        exact=bool(wanted.exact),
        indexed_only=bool(wanted.indexed_only),
    )


def _scoring(wanted: Any, using: str | None) -> edge.ScoringQueryType:
    match wanted:
        case models.NearestQuery(mmr=None):
            return _scoring(wanted.nearest, using)
        case models.SparseVector():
            sparse = edge.SparseVector(wanted.indices, wanted.values)
            return edge.Query.Nearest(sparse, using=using)
        case [float() | int(), *_]:
            return edge.Query.Nearest([float(one) for one in wanted], using=using)
        case models.OrderByQuery():
            return _order(wanted.order_by)
        case models.SampleQuery():
            return edge.Sample.Random
        case models.FormulaQuery():
            return edge.Formula(_expression(wanted.formula), defaults=wanted.defaults)
    raise not_spoken(f"a query by {type(wanted).__name__}")


def _order(wanted: models.OrderByInterface) -> edge.OrderBy:
    if isinstance(wanted, str):
        return edge.OrderBy(wanted)
    descending = wanted.direction == models.Direction.DESC
    direction = edge.Direction.Desc if descending else edge.Direction.Asc
    return edge.OrderBy(wanted.key, direction, cast("float | None", wanted.start_from))


def _expression(wanted: Any) -> edge.Expression:
    match wanted:
        case float() | int():
            return edge.Expression.Constant(float(wanted))
        case str():
            return edge.Expression.Variable(wanted)
        case models.GeoDistance():
            asked = wanted.geo_distance
            return edge.Expression.GeoDistance(geo_point(asked.origin), asked.to)
        case models.NegExpression():
            return edge.Expression.Neg(_expression(wanted.neg))
        case models.SumExpression():
            return edge.Expression.Sum([_expression(one) for one in wanted.sum])
        case models.MultExpression():
            return edge.Expression.Mult([_expression(one) for one in wanted.mult])
    raise not_spoken(f"a formula with {type(wanted).__name__}")
