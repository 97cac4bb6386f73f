"""What each route does: a body in, the `result` of the answer out."""

from __future__ import annotations  # some of the engine's types are in its stubs alone

from typing import Any, TypeVar

import qdrant_edge as edge
from pydantic import BaseModel
from qdrant_client import models
from starlette.requests import Request

from tests.qdrant_edge.collection import Collection
from tests.qdrant_edge.collections import Collections
from tests.qdrant_edge.errors import engine_errors, parse, parse_points
from tests.qdrant_edge.filters import filter_of
from tests.qdrant_edge.indexes import index_of
from tests.qdrant_edge.points import (
    delete_of,
    delete_payload_of,
    overwrite_payload_of,
    set_payload_of,
    upsert_of,
)
from tests.qdrant_edge.queries import query_of, scroll_of
from tests.qdrant_edge.shown import offset, payload_selector, record, scored, vector_selector

M = TypeVar("M", bound=BaseModel)


class Call:
    """One request: where it goes and what it says."""

    def __init__(self, collections: Collections, request: Request, body: bytes) -> None:
        """`body` is read already."""
        self.collections = collections
        self.name: str = request.path_params.get("name", "")
        self.field: str = request.path_params.get("field", "")
        self.body = body
        self._wait = request.query_params.get("wait") == "true"

    @property
    def collection(self) -> Collection:
        """The one that the path names, or its alias."""
        return self.collections.get(self.name)

    def parsed(self, model: type[M]) -> M:
        """The body as a model of the client."""
        return parse(model, self.body)

    def write(self, operation: edge.UpdateOperation) -> dict[str, Any]:
        """Apply an operation; says whether it is done or only heard."""
        self.collection.write(operation)
        return {"operation_id": 0, "status": "completed" if self._wait else "acknowledged"}


def list_collections(call: Call) -> Any:
    return {"collections": [{"name": name} for name in call.collections.names]}


def get_collection(call: Call) -> Any:
    return call.collection.as_json()


def collection_exists(call: Call) -> Any:
    return {"exists": call.collections.exists(call.name)}


def create_collection(call: Call) -> Any:
    call.collections.create(call.name, call.parsed(models.CreateCollection))
    return True


def delete_collection(call: Call) -> Any:
    return call.collections.delete(call.name)


def list_aliases(call: Call) -> Any:
    every = call.collections.aliases.items()
    if call.name:
        _ = call.collection
        every = {alias: one for alias, one in every if one == call.name}.items()
    return {"aliases": [{"alias_name": alias, "collection_name": one} for alias, one in every]}


def change_aliases(call: Call) -> Any:
    call.collections.change_aliases(call.parsed(models.ChangeAliasesOperation).actions)
    return True


def create_index(call: Call) -> Any:
    return call.write(index_of(call.parsed(models.CreateFieldIndex)))


def delete_index(call: Call) -> Any:
    return call.write(edge.UpdateOperation.delete_field_index(call.field))


def upsert(call: Call) -> Any:
    return call.write(upsert_of(parse_points(call.body)))


def delete_points(call: Call) -> Any:
    if call.body.startswith(b'{"filter"'):
        return call.write(delete_of(call.parsed(models.FilterSelector)))
    return call.write(delete_of(call.parsed(models.PointIdsList)))


def set_payload(call: Call) -> Any:
    return call.write(set_payload_of(call.parsed(models.SetPayload)))


def overwrite_payload(call: Call) -> Any:
    return call.write(overwrite_payload_of(call.parsed(models.SetPayload)))


def delete_payload(call: Call) -> Any:
    return call.write(delete_payload_of(call.parsed(models.DeletePayload)))


def retrieve(call: Call) -> Any:
    asked = call.parsed(models.PointRequest)
    shown = True if asked.with_payload is None else asked.with_payload
    ids: list[edge.PointId] = [one if isinstance(one, int) else str(one) for one in asked.ids]
    with engine_errors():
        points = call.collection.shard.retrieve(
            ids, payload_selector(shown), vector_selector(asked.with_vector)
        )
    return [record(point) for point in points]


def scroll(call: Call) -> Any:
    with engine_errors():
        page = scroll_of(call.parsed(models.ScrollRequest))
        points, following = call.collection.shard.scroll(page)
    return {"points": [record(one) for one in points], "next_page_offset": offset(following)}


def count(call: Call) -> Any:
    asked = call.parsed(models.CountRequest)
    with engine_errors():
        wanted = edge.CountRequest(exact=asked.exact is not False, filter=filter_of(asked.filter))
        return {"count": call.collection.shard.count(wanted)}


def query(call: Call) -> Any:
    with engine_errors():
        asked = query_of(call.parsed(models.QueryRequest))
        return {"points": [scored(one) for one in call.collection.shard.query(asked)]}


def query_batch(call: Call) -> Any:
    searches = call.parsed(models.QueryRequestBatch).searches
    with engine_errors():
        asked = edge.QueryBatchRequest([query_of(one) for one in searches])
        answers = call.collection.shard.query_batch(asked)
    return [{"points": [scored(one) for one in answer]} for answer in answers]


def optimize(call: Call) -> Any:
    call.collection.optimize()
    return True
