"""What tells one state of an item from another, without keeping the item."""

import hashlib

from core.content import Content
from core.ports import ItemDigests
from core.spaces import is_given
from core.vectors import pack_grid

_BYTES = 12


def digests_of(content: Content, vector_space: str) -> ItemDigests:
    """The digests to store with an item of that space."""
    source = pack_grid(content.vector) if is_given(vector_space) else content.embedded_text()
    return ItemDigests(item=content.digest(), source=source_digest(source))


def source_digest(source: str) -> str:
    """Of what a vector was made from. Shape: 24 hex digits."""
    return hashlib.blake2b(source.encode(), digest_size=_BYTES).hexdigest()
