"""An item as a point of Qdrant: the one place that maps one to the other.

Whoever writes there by other hands keeps to the fields of `ContentPayload` and
to `point_id`. The fields beside it are derived from them, for searching alone.
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
import numpy as np
from qdrant_client import models

from core.content import Content, ContentRules
from core.geo import GeoPoint
from core.languages import language_key, language_prefixes
from core.ports import ItemDigests, StoredContent
from core.tags import tag_key
from core.vectors import Floats, to_grid

DENSE = "content"
SPARSE = "tags"
DRAW = "draw"
DRAW_DIM = 4
"""A direction that says nothing about its item: a sample is what lies next to a random one."""

_NAMESPACE: Final = UUID("6f1c5d0e-55a5-5e6b-9f0c-0f6c1a7f9a3d")
_ULPS = 4.0
_LEAST, _MOST = 1e-7, 1e15
"""Between these a number of 15 digits is read without an error."""


class ContentPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an item is, by `content_id`, and how it came here."""

    content_id: str
    title: str
    text: str = ""
    tags: dict[str, float] = {}
    location: GeoPoint | None = None
    image: str | None = None
    place: str | None = None
    date: str | None = None
    language: str | None = None
    popularity: float = 0.0
    related: dict[str, float] = {}
    hidden: bool = False
    valid_from_ms: int | None = None
    valid_until_ms: int | None = None
    pinned: int | None = None
    apart: tuple[str, ...] = ()
    together: str | None = None
    source_digest: str = ""
    """Of what the vector was made from."""
    numbers: str = ""
    """All floats exactly, where Qdrant would change their last digit; see `_packed`."""


_RULES = ContentRules.__struct_fields__
_PLAIN = ("title", "text", "image", "place", "date", "language")


def point_id(content_id: str) -> str:
    """The point of an item: the same whoever computes it."""
    return str(uuid5(_NAMESPACE, content_id))


def point_of(stored: StoredContent, *, changed_ms: int) -> models.PointStruct:
    """The point to write for an item."""
    content = stored.content
    sparse = {SPARSE: sparse_vector(content.keyed_tags)} if content.tags else {}
    return models.PointStruct(
        id=point_id(content.id),
        vector={DENSE: content.vector.tolist(), DRAW: direction(content.id), **sparse},
        payload=_payload(stored) | {"changed_ms": changed_ms},
    )


def stored_of(point: models.Record | models.ScoredPoint) -> StoredContent:
    """The item of a point, without a vector where none was asked for.

    Raises: ValueError where other hands wrote what is no item.
    """
    payload = msgspec.convert(point.payload, ContentPayload)
    if str(point.id) != point_id(payload.content_id):
        raise ValueError(f"its id is not {point_id(payload.content_id)}, that of its content_id")
    content = _content(payload, point.vector)
    digests = ItemDigests(item=content.digest(), source=payload.source_digest)
    return StoredContent(content=content, digests=digests)


def direction(name: str) -> list[float]:
    """A point of the sphere, on the grid so that products are exact; any name has one."""
    hashed = hashlib.blake2b(name.encode(), digest_size=4 * DRAW_DIM).digest()
    uniform = (np.frombuffer(hashed, dtype="<u4") + 0.5) / 2.0**32
    # Box and Muller's way from uniform to normal numbers, whose directions are uniform.
    size, turn = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    drawn: list[float] = to_grid([*size * np.cos(turn), *size * np.sin(turn)]).tolist()
    return drawn


def sparse_vector(keyed_tags: Iterable[tuple[str, float]]) -> models.SparseVector:
    """Weights of tags by their key; two keys that share a number add up."""
    weights: dict[int, float] = {}
    for key, weight in keyed_tags:
        number = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest())
        weights[number] = weights.get(number, 0.0) + weight
    return models.SparseVector(indices=list(weights), values=list(weights.values()))


def language_keys(language: str | None) -> list[str]:
    """What a search finds a language by: itself, and of what it is a part, with a hyphen."""
    *wider, key = language_prefixes(language_key(language)) or [""]
    return [*(f"{one}-" for one in wider), key] if key else []


def _payload(stored: StoredContent) -> dict[str, Any]:
    content = stored.content
    payload: dict[str, Any] = msgspec.to_builtins(
        ContentPayload(
            content_id=content.id,
            tags=dict(content.tags),
            location=content.position,
            popularity=content.popularity,
            related=dict(content.related),
            source_digest=stored.digests.source,
            numbers=_packed(content),
            **{name: getattr(content, name) for name in _PLAIN},
            **{name: getattr(content.rules, name) for name in _RULES},
        )
    )
    payload["tag_keys"] = sorted({tag_key(tag) for tag in content.tags})
    payload["language_keys"] = language_keys(content.language)
    return payload


def _content(payload: ContentPayload, vector: Any) -> Content:
    content = Content(
        id=payload.content_id,
        tags=payload.tags,
        position=payload.location,
        popularity=payload.popularity,
        related=payload.related,
        rules=ContentRules(**{name: getattr(payload, name) for name in _RULES}),
        **{name: getattr(payload, name) for name in _PLAIN},
    )
    if payload.numbers:
        content = _exact(content, payload.numbers)
    if vector is None:
        return content
    if DENSE not in vector:
        raise ValueError(f"it has no vector {DENSE!r}")
    dense = np.asarray(vector[DENSE], dtype=np.float32)
    return msgspec.structs.replace(content, vector=dense)


def _numbers(content: Content) -> list[float]:
    place = [] if content.position is None else [content.position.lat, content.position.lon]
    weights = (by_name[name] for by_name in _weights(content) for name in sorted(by_name))
    return [*place, content.popularity, *weights]


def _weights(content: Content) -> tuple[Mapping[str, float], Mapping[str, float]]:
    return content.tags, content.related


def _packed(content: Content) -> str:
    """Base64 of the numbers as doubles, "" where a payload keeps them anyway.

    Qdrant reads JSON numbers of more than 15 digits with an error in the last
    bit, in one of ten; an item would differ from itself whenever it is imported.
    """
    numbers = _numbers(content)
    if all(_survives(number) for number in numbers):
        return ""
    return b64encode(np.array(numbers, dtype="<f8").tobytes()).decode("ascii")


def _survives(number: float) -> bool:
    return number == 0 or (_LEAST < abs(number) < _MOST and float(f"{number:.15g}") == number)


def _exact(content: Content, packed: str) -> Content:
    """The item with its exact numbers, unless other hands have changed one since."""
    exact = _unpacked(packed)
    if not _close(exact, _numbers(content)):
        return content
    left = iter(exact.tolist())
    place = None if content.position is None else GeoPoint(next(left), next(left))
    popularity = next(left)
    tags, related = (
        dict.fromkeys(by_name) | {name: next(left) for name in sorted(by_name)}
        for by_name in _weights(content)
    )
    return msgspec.structs.replace(
        content, position=place, popularity=popularity, tags=tags, related=related
    )


def _unpacked(packed: str) -> Floats:
    """Raises: ValueError. Shape: (n,)."""
    return np.frombuffer(b64decode(packed, validate=True), dtype="<f8").astype(np.float64)


def _close(exact: Floats, read: Sequence[float]) -> bool:
    """Whether what was read is what was written, but for the last bits."""
    if exact.shape != (len(read),):
        return False
    return bool(np.all(np.abs(exact - read) <= _ULPS * np.spacing(np.abs(read))))
