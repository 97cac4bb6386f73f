"""`People`: finds the person behind an id, and all ids of that person.

A pure function of what the graph holds: whoever asks under whichever of the
ids, and whenever, finds the same person.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from core.identity.graph import IdentityGraph
from core.identity.node import IdentityConfig, Node, is_shared, owner_of
from core.identity.tracing import MAX_STEPS, trace


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One visitor. `user_id` is the id of their model, `ids` are all whose events count.

    `is_shared`: it is a device that many use, of which nothing is known but its session.
    """

    user_id: str
    ids: tuple[str, ...]
    is_shared: bool = False


class People:
    """Looks links up, a level of all asked ids at a time."""

    def __init__(self, graph: IdentityGraph, config: IdentityConfig) -> None:
        """Keep where links lie and what they mean."""
        self._graph = graph
        self._config = config

    async def find(self, user_ids: Sequence[str]) -> Mapping[str, Person]:
        """The person behind each id. Raises: RetryableError when the graph is away."""
        known: dict[str, Node] = {}
        roots = await self._roots(user_ids, known)
        people = await self._members(set(roots.values()), known)
        return {one: people[root] for one, root in roots.items()}

    async def _roots(self, user_ids: Sequence[str], known: dict[str, Node]) -> dict[str, str]:
        """Up from every id, until each has come to an end."""
        roots: dict[str, str] = {}
        waiting = list(dict.fromkeys(user_ids))
        await self._look(waiting, known)
        while waiting:
            owners = self._owners(known)
            traces = {one: trace(one, owners) for one in waiting}
            roots |= {one: end.root for one, end in traces.items() if end.root is not None}
            await self._look([end.unknown for end in traces.values() if end.unknown], known)
            waiting = [one for one in waiting if one not in roots]
        return roots

    async def _members(self, roots: set[str], known: dict[str, Node]) -> dict[str, Person]:
        """Down again from every person, to the ids that have come to them."""
        ids = {root: [root] for root in roots}
        level = {root: [root] for root in roots}
        for _ in range(MAX_STEPS):
            wanted = {
                root: list(
                    dict.fromkeys(one for parent in parents for one in known[parent].claimed_by)
                )
                for root, parents in level.items()
            }
            await self._look([one for found in wanted.values() for one in found], known)
            owners = self._owners(known)
            level = {}
            for root, found in wanted.items():
                room = self._config.max_ids - len(ids[root])
                new = [
                    one for one in found if one not in ids[root] and trace(one, owners).root == root
                ][:room]
                if new:
                    ids[root] += new
                    level[root] = new
            if not level:
                break
        return {root: self._person(root, found, known) for root, found in ids.items()}

    def _person(self, root: str, ids: Iterable[str], known: Mapping[str, Node]) -> Person:
        shared = is_shared(known[root], self._config)
        return Person(user_id=root, ids=tuple(ids), is_shared=shared)

    async def _look(self, user_ids: Iterable[str], known: dict[str, Node]) -> None:
        new = [one for one in dict.fromkeys(user_ids) if one not in known]
        if new:
            known |= await self._graph.look(new)

    def _owners(self, known: Mapping[str, Node]) -> dict[str, str | None]:
        return {one: owner_of(node, self._config) for one, node in known.items()}
