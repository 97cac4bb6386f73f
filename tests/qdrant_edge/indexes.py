"""Payload indexes: from the client's schema to the engine's, and back for an answer."""

from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from tests.qdrant_edge.errors import not_spoken

_TYPES: dict[str, edge.PayloadSchemaType] = {
    "keyword": edge.PayloadSchemaType.Keyword,
    "integer": edge.PayloadSchemaType.Integer,
    "float": edge.PayloadSchemaType.Float,
    "bool": edge.PayloadSchemaType.Bool,
    "geo": edge.PayloadSchemaType.Geo,
    "text": edge.PayloadSchemaType.Text,
}
_TOKENIZERS = {
    "prefix": edge.TokenizerType.Prefix,
    "whitespace": edge.TokenizerType.Whitespace,
    "word": edge.TokenizerType.Word,
    "multilingual": edge.TokenizerType.Multilingual,
}
_SPOKEN_TEXT = {"type", "tokenizer", "min_token_len", "max_token_len", "lowercase"}
_SPOKEN_TEXT |= {"ascii_folding", "phrase_matching", "on_disk"}


def index_of(wanted: models.CreateFieldIndex) -> edge.UpdateOperation:
    """An index on one field."""
    if wanted.field_schema is None:
        raise not_spoken("an index without a schema")
    return edge.UpdateOperation.create_field_index(wanted.field_name, _schema(wanted.field_schema))


def schema_as_json(schema: dict[str, Any]) -> dict[str, Any]:
    """The indexes of a collection."""
    names = {kind: name for name, kind in _TYPES.items()}
    return {
        field: {"data_type": names[info.data_type], "points": info.points}
        for field, info in schema.items()
    }


def _schema(wanted: Any) -> Any:
    if isinstance(wanted, models.PayloadSchemaType):
        return _kind(wanted.value)
    asked = wanted.model_dump(mode="json", exclude_none=True)
    if asked["type"] != "text":
        if set(asked) != {"type"}:
            raise not_spoken(f"an index with {sorted(set(asked) - {'type'})}")
        return _kind(asked["type"])
    if extra := sorted(set(asked) - _SPOKEN_TEXT):
        raise not_spoken(f"a text index with {extra[0]}")
    tokenizer = asked.get("tokenizer")
    return edge.TextIndexParams(
        tokenizer=None if tokenizer is None else _TOKENIZERS[tokenizer],
        **{name: one for name, one in asked.items() if name not in {"type", "tokenizer"}},
    )


def _kind(name: str) -> edge.PayloadSchemaType:
    if name not in _TYPES:
        raise not_spoken(f"an index of type {name}")
    return _TYPES[name]
