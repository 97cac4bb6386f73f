"""How large a body claims to be, so that one that is too large is refused unread."""

from collections.abc import Mapping


def claimed_length(headers: Mapping[str, str]) -> int:
    """What a sender says, 0 where nothing is said; it is counted all the same. Units: bytes."""
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
