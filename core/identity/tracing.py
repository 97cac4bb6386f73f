"""Follows an id to the person it belongs to, as far as is known, without any I/O."""

from collections.abc import Mapping

import msgspec

from core.identity.node import SHARED

MAX_STEPS = 8
"""Nobody honest has a longer chain of aliases; an id farther away stands for itself."""


class Trace(msgspec.Struct, frozen=True):
    """The person's id, or that of which the owner must be known first."""

    root: str | None = None
    unknown: str | None = None


def trace(start: str, owners: Mapping[str, str | None]) -> Trace:
    """Follow the owners from an id; an owner of None ends the way.

    So does a shared device, just before it: who was said to be one is themselves.
    Ids that claim each other in a circle are one person under the least of them.
    """
    path = [start]
    while len(path) <= MAX_STEPS + 1:
        current = path[-1]
        if current not in owners:
            return Trace(unknown=current)
        following = owners[current]
        if following is None:
            return Trace(root=current)
        if following == SHARED:
            return Trace(root=path[-2] if len(path) > 1 else current)
        if following in path:
            return Trace(root=min(path[path.index(following) :]))
        path.append(following)
    return Trace(root=start)
