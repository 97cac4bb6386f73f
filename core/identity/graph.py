"""`IdentityGraph`: what was said about which ids are one person, a role that adapters fill."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from core.identity.node import Claim, Node


class IdentityGraph(Protocol):
    """Claims by id. Every method may raise RetryableError when its dependency is away."""

    async def add(self, claims: Sequence[Claim]) -> Mapping[str, Node]:
        """Keep the claims, each as its earliest; adding one again changes nothing.

        Returns what is known then of every id that was claimed, without `claimed_by`.
        """
        ...

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Node]:
        """What is known of each id; an empty node of one that nothing was said of."""
        ...

    async def forget(self, user_ids: Sequence[str]) -> int:
        """Remove all that was said of the ids, and that they were said to be others; how much.

        The ids that are forgotten together are all of a person's.
        """
        ...
