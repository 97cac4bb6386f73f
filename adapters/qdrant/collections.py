"""The collections of a catalogue: one a vector space, an alias on the one that is served."""

import hashlib
import re

import msgspec
from qdrant_client import models

from adapters.qdrant.connection import NotThereError, Qdrant
from adapters.qdrant.payload import DENSE, DRAW, DRAW_DIM, SPARSE
from core.errors import ConfigError

FORMAT = 1
"""Of points and payloads; a later one is a collection of its own."""
_NO_GRAPH = models.HnswConfigDiff(m=0)
_KIND = models.PayloadSchemaType
_FIELDS: dict[str, models.PayloadSchemaType] = {
    "tag_keys": _KIND.KEYWORD,
    "language_keys": _KIND.KEYWORD,
    "together": _KIND.KEYWORD,
    "hidden": _KIND.BOOL,
    "valid_from_ms": _KIND.INTEGER,
    "valid_until_ms": _KIND.INTEGER,
    "pinned": _KIND.INTEGER,
    "changed_ms": _KIND.INTEGER,
    "location": _KIND.GEO,
    "popularity": _KIND.FLOAT,
}
_INDEXES: dict[str, models.PayloadFieldSchema] = {
    **_FIELDS,
    # Titles are short enough for an entry a beginning of a word, texts are not.
    "title": models.TextIndexParams(
        type=models.TextIndexType.TEXT,
        tokenizer=models.TokenizerType.PREFIX,
        min_token_len=1,
        max_token_len=20,
        lowercase=True,
        ascii_folding=True,
    ),
    "text": models.TextIndexParams(
        type=models.TextIndexType.TEXT,
        tokenizer=models.TokenizerType.WORD,
        lowercase=True,
        ascii_folding=True,
    ),
}


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A collection and what its metadata say."""

    name: str
    vector_space: str
    dim: int


def collection_name(alias: str, vector_space: str) -> str:
    """The collection of a vector space."""
    return f"{alias}.{hashlib.blake2b(vector_space.encode(), digest_size=4).hexdigest()}"


def vectors_of(dim: int) -> dict[str, models.VectorParams]:
    """The dense vectors of a collection; Qdrant's Dot adds the grid's whole numbers exactly."""
    dot = models.Distance.DOT
    return {
        DENSE: models.VectorParams(size=dim, distance=dot),
        DRAW: models.VectorParams(size=DRAW_DIM, distance=dot, hnsw_config=_NO_GRAPH),
    }


async def served_collection(qdrant: Qdrant, alias: str) -> Served | None:
    """What stands behind the alias, None while there is no catalogue.

    Raises: ConfigError for a collection that is none of ours.
    """
    try:
        info = await qdrant.read("looking for the catalogue", lambda c: c.get_collection(alias))
    except NotThereError:
        return None
    return _served(alias, alias, info)


async def make_collection(qdrant: Qdrant, alias: str, vector_space: str, dim: int) -> Served:
    """The collection of a vector space, made unless it is there, with every payload index.

    The indexes come before the items: a graph that is built later knows them.

    Raises: ConfigError where its items and those to come do not fit together.
    """
    name = collection_name(alias, vector_space)
    if not await qdrant.read("looking for a collection", lambda c: c.collection_exists(name)):
        await _create(qdrant, name, vector_space, dim)
    info = await qdrant.read("opening a collection", lambda c: c.get_collection(name))
    served = _served(alias, name, info)
    if (served.vector_space, served.dim) != (vector_space, dim):
        raise ConfigError(
            f"Qdrant's collection {name} holds vectors of {served.vector_space!r} with "
            f"{served.dim} numbers, not of {vector_space!r} with {dim}: they never mix"
        )
    for field, schema in _INDEXES.items():
        if field not in info.payload_schema:
            await _index(qdrant, name, field, schema)
    return served


async def serve(qdrant: Qdrant, alias: str, name: str) -> None:
    """Point the alias at the collection: one step, whatever it pointed at before."""
    await _point(qdrant, "swapping the alias", alias, name)


async def retire(qdrant: Qdrant, alias: str, name: str) -> None:
    """Note that the collection is about to be replaced, so that its removal survives a kill."""
    await _point(qdrant, "noting what is replaced", _retired(alias), name)


async def retired(qdrant: Qdrant, alias: str, name: str) -> list[str]:
    """The collection that `name` has replaced, if it is still there."""
    every = await qdrant.read("listing aliases", lambda c: c.get_aliases())
    noted = (one.collection_name for one in every.aliases if one.alias_name == _retired(alias))
    return [one for one in noted if one != name]


async def others(qdrant: Qdrant, alias: str, name: str) -> list[str]:
    """The catalogue's collections of other vector spaces."""
    every = await qdrant.read("listing collections", lambda c: c.get_collections())
    ours = re.compile(rf"{re.escape(alias)}\.[0-9a-f]{{8}}")
    names = (one.name for one in every.collections)
    return [one for one in names if one != name and ours.fullmatch(one)]


async def remove(qdrant: Qdrant, name: str) -> None:
    """Delete a collection; one that is gone is no error."""
    await qdrant.write("removing a collection", lambda c: c.delete_collection(name))


async def require_alias(qdrant: Qdrant, alias: str) -> None:
    """Raise ConfigError where the alias is the name of a collection."""
    every = await qdrant.read("listing collections", lambda c: c.get_collections())
    if any(one.name == alias for one in every.collections):
        raise ConfigError(
            f"QDRANT_COLLECTION={alias!r} is a collection in Qdrant; it must be a name that is "
            "free for an alias"
        )


def _retired(alias: str) -> str:
    return f"{alias}.retired"


async def _point(qdrant: Qdrant, doing: str, alias: str, name: str) -> None:
    made = models.CreateAlias(collection_name=name, alias_name=alias)
    action = models.CreateAliasOperation(create_alias=made)
    await qdrant.write(doing, lambda c: c.update_collection_aliases([action]))


async def _create(qdrant: Qdrant, name: str, vector_space: str, dim: int) -> None:
    about = {"vector_space": vector_space, "format": FORMAT}
    await qdrant.write(
        "creating a collection",
        lambda c: c.create_collection(
            name,
            vectors_config=vectors_of(dim),
            sparse_vectors_config={SPARSE: models.SparseVectorParams()},
            metadata=about,
        ),
    )


async def _index(qdrant: Qdrant, name: str, field: str, schema: models.PayloadFieldSchema) -> None:
    await qdrant.write(
        f"indexing {field}",
        lambda c: c.create_payload_index(name, field, schema, wait=True),
    )


def _served(alias: str, name: str, info: models.CollectionInfo) -> Served:
    about = info.config.metadata or {}
    vectors = info.config.params.vectors
    params = vectors.get(DENSE) if isinstance(vectors, dict) else None
    if about.get("format") != FORMAT or params is None:
        raise ConfigError(
            f"Qdrant's collection {name} is no catalogue of this version: its metadata say "
            f"{about or 'nothing'}. Import into another QDRANT_COLLECTION than {alias!r}; "
            "Qdrant before 1.16 keeps no metadata"
        )
    space = str(about["vector_space"])
    return Served(name=collection_name(alias, space), vector_space=space, dim=params.size)
