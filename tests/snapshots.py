"""A small stand-in for a snapshot's file: a digest, then the items as JSON."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from adapters.memory.content_store import InMemoryContentStore
from core.content import Content
from core.errors import RejectedError
from core.shelf import Snapshot
from core.vectors import to_grid


def write_snapshot(
    path: Path, contents: Sequence[Content], space: str = "", previous: Snapshot | None = None
) -> None:
    """Write the file; of the one before nothing is needed."""
    del previous
    records = [one.as_json() | {"vector": one.vector.tolist()} for one in contents]
    body = msgspec.json.encode({"space": space, "items": records})
    path.write_bytes(hashlib.sha256(body).digest() + body)


def open_snapshot(path: Path) -> InMemoryContentStore:
    """Open the file. Raises: RejectedError where it is not as it was written."""
    raw = path.read_bytes()
    if hashlib.sha256(raw[32:]).digest() != raw[:32]:
        raise RejectedError(f"{path} is no whole snapshot")
    found: Any = msgspec.json.decode(raw[32:])
    return InMemoryContentStore((_content(record) for record in found["items"]), found["space"])


def _content(record: Any) -> Content:
    return Content(
        id=record["id"],
        title=record["title"],
        text=record["text"],
        tags=dict.fromkeys(record["tags"], 1.0),
        vector=to_grid(record["vector"]),
    )
