"""A plan's paths, compiled so that each object on their way is looked up once an event.

Most paths of a plan share their way (`properties.details.rating` and
`.reason`), and most lead nowhere in a given event. So the objects on all ways
are gathered first; then a path is one look into one of them.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from core.plan import PlanPaths

_NOTHING: dict[str, Any] = {}
_LIST: dict[str, Any] = {}
"""Stands where a list lies on the way: the path must go through each of its elements."""


End = tuple[int, str, tuple[str, ...]]
"""The place of the object that holds the value, its key there, and the whole path."""
Ends = tuple[End, ...]


class CompiledPaths(msgspec.Struct, frozen=True):
    """The paths of one kind of event. `ways` are (place of the parent, key), parents first."""

    ways: tuple[tuple[int, str], ...]
    content: Ends
    session: Ends
    request: Ends
    impressions: Ends
    reason: Ends
    dwell_seconds: Ends
    rating: Ends
    answers: Ends


class Places:
    """One event, with the objects on the way to all that a plan asks for."""

    def __init__(self, event: dict[str, Any], paths: CompiledPaths) -> None:
        """Gather the objects; one that is not there is an empty one."""
        self._event = event
        self._objects = objects = [event]
        for place, key in paths.ways:
            parent = objects[place]
            inside = parent.get(key)
            if not isinstance(inside, dict):
                inside = _LIST if isinstance(inside, list) or parent is _LIST else _NOTHING
            objects.append(inside)

    def first(self, ends: Ends) -> Any:
        """What the first path that leads anywhere leads to, lists left whole."""
        for place, key, _ in ends:
            if (value := self._objects[place].get(key)) is not None:
                return value
        return None

    def every(self, end: End) -> list[Any]:
        """Every value at the end of a path, through each element of a list on the way."""
        place, key, path = end
        holder = self._objects[place]
        if holder is _LIST:
            return _follow(self._event, path)
        value = holder.get(key)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]


def compile_paths(own: PlanPaths, general: PlanPaths) -> CompiledPaths:
    """Split every path once; where an event has none of its own, the plan's general ones count."""
    places: dict[tuple[str, ...], int] = {(): 0}

    def place(way: tuple[str, ...]) -> int:
        if way not in places:
            place(way[:-1])
            places[way] = len(places)
        return places[way]

    def ends(name: str) -> Ends:
        paths = getattr(own, name) or getattr(general, name)
        return tuple((place(way[:-1]), way[-1], way) for way in map(_split, paths))

    found = [ends(field.name) for field in msgspec.structs.fields(PlanPaths)]
    ways = tuple((places[way[:-1]], way[-1]) for way in places if way)
    return CompiledPaths(ways, *found)


def _split(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _follow(value: Any, path: Sequence[str]) -> list[Any]:
    for index, key in enumerate(path):
        if isinstance(value, list):
            return [end for item in value for end in _follow(item, path[index:])]
        if not isinstance(value, dict) or (value := value.get(key)) is None:
            return []
    return value if isinstance(value, list) else [value]
