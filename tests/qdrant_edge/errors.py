"""How Qdrant says no: a status, and a sentence in the body that the client passes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
_MAX_BYTES = 32 * 1024 * 1024
"""What a Qdrant server takes in one request unless it is told otherwise."""


class QdrantError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        """`message` is worded as the server words it."""
        super().__init__(message)
        self.status = status


def not_spoken(what: str) -> QdrantError:
    """For what a Qdrant server can do and this one does not."""
    return QdrantError(501, f"this test server does not speak {what}")


def parse(model: type[M], body: bytes) -> M:
    """The body as the client's own model of it; unknown fields are refused."""
    _check_size(body)
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as exc:
        raise QdrantError(400, f"Format error in JSON body: {exc}") from exc


def parse_points(body: bytes) -> list[dict[str, object]]:
    """The points of an upsert; the models are too slow for thousands of vectors."""
    _check_size(body)
    try:
        upsert = msgspec.json.decode(body, type=dict[str, object])
        extra = sorted(set(upsert) - {"points"})
        if extra:
            raise not_spoken(f"an upsert with {extra[0]}")
        return msgspec.convert(upsert["points"], list[dict[str, object]])
    except (KeyError, msgspec.MsgspecError) as exc:
        raise QdrantError(400, f"Format error in JSON body: {exc}") from exc


@contextmanager
def engine_errors() -> Iterator[None]:
    """The engine raises nothing but Exception; its sentence tells which kind it is."""
    try:
        yield
    except QdrantError:
        raise
    except Exception as exc:
        message = str(exc)
        if message.startswith("No point with id"):
            raise QdrantError(404, f"Not found: {message} found") from exc
        if "Shard is not initialized" in message:  # deleted while this request ran
            raise QdrantError(404, "Not found: the collection doesn't exist!") from exc
        if message.startswith("Service runtime error"):
            raise QdrantError(500, f"Service internal error: {message}") from exc
        raise QdrantError(400, f"Wrong input: {message}") from exc


def _check_size(body: bytes) -> None:
    if len(body) > _MAX_BYTES:
        raise QdrantError(413, f"JSON payload ({len(body)} bytes) is larger than {_MAX_BYTES}")
