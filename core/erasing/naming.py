"""Which ids an event names, wherever it may name one: whoever is erased must be in none of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from core.normalizing.body import Malformed, NotJsonError, split_body
from core.normalizing.ids import text_id

_FIELDS = ("userId", "anonymousId", "previousId")
_TEXTS = re.compile(rb'"(?:userId|anonymousId|previousId)"\s*:\s*("(?:[^"\\]|\\.)*"|-?[0-9.eE+-]+)')


def named_ids(event: Any) -> frozenset[str]:
    """The ids in a decoded event: who did it, on which device, and who that is said to be."""
    return frozenset(_named(event)) if isinstance(event, dict) else frozenset()


def ids_in(body: bytes) -> frozenset[str]:
    """The ids in all events of a body; of what cannot be decoded those that look like ids."""
    try:
        events = split_body(body).events
    except NotJsonError:
        return frozenset(_looked_up(body))
    found: set[str] = set()
    for event in events:
        found |= _looked_up(event.raw) if isinstance(event, Malformed) else named_ids(event)
    return frozenset(found)


def _named(event: dict[str, Any]) -> Iterator[str]:
    merged = event.get("mergeProperties")
    values = [event.get(name) for name in _FIELDS]
    values += [
        one.get("value")
        for one in (merged if isinstance(merged, list) else ())
        if isinstance(one, dict)
    ]
    for value in values:
        if (text := text_id(value)) is not None:
            yield text


def _looked_up(raw: bytes) -> set[str]:
    found = set()
    for match in _TEXTS.finditer(raw):
        try:
            value = json.loads(match[1].decode("utf-8", "replace"), strict=False)
        except ValueError:
            continue
        if (text := text_id(value)) is not None:
            found.add(text.encode("utf-8", "replace").decode("utf-8"))
    return found
