"""A provisional file of a snapshot; the one that is mapped into memory takes its place."""

import hashlib
from pathlib import Path

import msgspec
import numpy as np

from core.content import Content
from core.errors import RejectedError
from core.index.build import BuiltIndex, build_index
from core.index.contents import IndexedContents
from core.index.documents import Document, encode_document

FORMAT = "provisional"
_DIGEST_BYTES = 32


class SnapshotContentStore(IndexedContents):
    """A catalogue out of a file."""

    def edition(self) -> "SnapshotContentStore":
        """The store itself: it never changes."""
        return self


class _Body(msgspec.Struct):
    space: str
    items: list[tuple[bytes, bytes]]


def write_snapshot(index: BuiltIndex, path: Path) -> None:
    """Write the file."""
    contents = IndexedContents(index).columns.contents
    items = [(encode_document(one), one.vector.astype("<f4").tobytes()) for one in contents]
    body = msgspec.msgpack.encode(_Body(index.figures.vector_space, items))
    path.write_bytes(hashlib.sha256(body).digest() + body)


def open_snapshot(path: Path) -> SnapshotContentStore:
    """Open the file. Raises: RejectedError where it is not as it was written."""
    raw = path.read_bytes()
    if hashlib.sha256(raw[_DIGEST_BYTES:]).digest() != raw[:_DIGEST_BYTES]:
        raise RejectedError(f"{path} is no whole snapshot")
    found = msgspec.msgpack.decode(raw[_DIGEST_BYTES:], type=_Body)
    return SnapshotContentStore(build_index((_item(*one) for one in found.items), found.space))


def _item(document: bytes, vector: bytes) -> Content:
    fields = msgspec.structs.asdict(msgspec.msgpack.decode(document, type=Document))
    return Content(**fields, vector=np.frombuffer(vector, dtype="<f4"))
