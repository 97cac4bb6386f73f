"""How deep JSON is nested, found without recursion and at little cost where it is shallow."""

from collections.abc import Sequence
from typing import Any

_AS_BRACES = bytes.maketrans(b"[]", b"{}")
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))


def deeper_ones(body: bytes, events: Sequence[Any], max_depth: int) -> frozenset[int]:
    """The places of those of a body's events that are nested more than `max_depth` deep.

    The event itself is one deep. Only a body that may be too deep is looked into.
    """
    if _surely_shallow(body, max_depth):
        return frozenset()
    return frozenset(place for place, event in enumerate(events) if _is_deeper(event, max_depth))


def _surely_shallow(body: bytes, max_depth: int) -> bool:
    """Whether nothing in a body is nested deeper; False where it is hard to say.

    Of the body its brackets and quotes are left. Two quotes side by side are a
    string without brackets and go; then each round takes the innermost pairs.
    A string that holds brackets keeps its quotes, which no round takes.
    """
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    left = body.translate(_AS_BRACES, _NEITHER_BRACKET_NOR_QUOTE).replace(b'""', b"")
    if len(left) <= 2 * max_depth:
        return True
    for _ in range(max_depth):
        left = left.replace(b"{}", b"")
        if not left:
            return True
    return False


def _is_deeper(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth + 1):
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return False
        level = [
            inside for one in level for inside in (one.values() if isinstance(one, dict) else one)
        ]
    return True
