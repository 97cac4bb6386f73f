"""The lines of a catalogue file that an import or an export writes.

They are JSON Lines as any other catalogue's, with their vectors packed, and
a first line that names the vectors' space.
"""

from typing import Any

import msgspec

from adapters.catalogue.cells import moment_text
from adapters.catalogue.row import Head, content_of, decode_row
from core.content import Content
from core.ports import ItemDigests, StoredContent
from core.vectors import pack_grid


def encode_head(head: Head) -> bytes:
    """The first line."""
    return msgspec.json.encode(head) + b"\n"


def encode_item(item: StoredContent, *, vector: bool = True) -> bytes:
    """An item's line; without its vector it is embedded where it is read."""
    record = _record(item.content)
    if vector:
        record |= {"vector": pack_grid(item.content.vector), "source": item.digests.source}
    return msgspec.json.encode(record) + b"\n"


def decode_item(line: str, head: Head | None) -> StoredContent:
    """The item of a line, whoever wrote it. Raises: CellError."""
    row = decode_row(line)
    content = content_of(row, head)
    # Without a source, which no text has, an item is embedded anew.
    digests = ItemDigests(item=content.digest(), source=row.source or "")
    return StoredContent(content=content, digests=digests)


def _record(content: Content) -> dict[str, Any]:
    """The fields as curators write them, moments as ISO 8601."""
    record = content.as_record()
    for name in ("valid_from", "valid_until"):
        if (ms := record.pop(f"{name}_ms", None)) is not None:
            record[name] = moment_text(ms)
    return record
