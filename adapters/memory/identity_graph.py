"""The identity graph in the memory of one process; the Redis one follows the same rules."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from core.identity.node import (
    NOBODY,
    Claim,
    IdentityConfig,
    Node,
    somebody_erased,
    without_name,
)


class InMemoryIdentityGraph:
    """What was said of every id, bounded as in Redis; a link lives its time."""

    def __init__(self, config: IdentityConfig, *, clock_ms: Callable[[], int]) -> None:
        """Keep the bounds and the clock by which links are forgotten."""
        self._config = config
        self._clock_ms = clock_ms
        self._nodes: dict[str, tuple[int, Node]] = {}
        self._claimed_by: dict[str, dict[str, int]] = {}
        self._names = 0

    async def add(self, claims: Sequence[Claim]) -> Mapping[str, Node]:
        """Keep the claims; what is known then of every id that was claimed."""
        for claim in claims:
            self._add(claim)
        return {claim.of: self._node(claim.of) for claim in claims}

    async def look(self, user_ids: Sequence[str]) -> Mapping[str, Node]:
        """What is known of each id."""
        return {one: self._with_claimants(one) for one in user_ids}

    async def forget(self, user_ids: Sequence[str]) -> int:
        """Remove all that was said of the ids, and that they were said to be others."""
        removed = 0
        for one in user_ids:
            for claimant in self._claimed_by.get(one, {}).keys() - set(user_ids):
                self._rename(claimant, one)
        for one in user_ids:
            removed += self._nodes.pop(one, None) is not None
            self._claimed_by.pop(one, None)
        for claimants in self._claimed_by.values():
            for one in user_ids:
                claimants.pop(one, None)
        return removed

    def _rename(self, claimant: str, person: str) -> None:
        """A device that others use, too, stays as shared as it was: somebody has used it."""
        if claimant not in self._nodes:
            return
        until_ms, node = self._nodes[claimant]
        self._names += 1
        somebody = somebody_erased(str(self._names))
        left = without_name(node, person, somebody)
        if left == NOBODY:
            del self._nodes[claimant]
        else:
            self._nodes[claimant] = (until_ms, left)

    def _add(self, claim: Claim) -> None:
        node = self._node(claim.of)
        if claim.of == claim.person:
            node = msgspec.structs.replace(node, is_person=True)
        else:
            said = dict(node.devices if claim.by == "device" else node.aliases)
            if claim.person in said or len(said) <= self._config.max_persons:
                said[claim.person] = min(claim.ts_ms, said.get(claim.person, claim.ts_ms))
            node = (
                msgspec.structs.replace(node, devices=said)
                if claim.by == "device"
                else msgspec.structs.replace(node, aliases=said)
            )
            if claim.person in said:
                self._claim_back(claim)
        self._nodes[claim.of] = (self._clock_ms() + self._config.link_ttl_ms, node)

    def _claim_back(self, claim: Claim) -> None:
        claimants = self._claimed_by.setdefault(claim.person, {})
        claimants[claim.of] = max(claim.ts_ms, claimants.get(claim.of, claim.ts_ms))
        latest = sorted(claimants, key=lambda one: (claimants[one], one))[-self._config.max_ids :]
        self._claimed_by[claim.person] = {one: claimants[one] for one in latest}

    def _node(self, user_id: str) -> Node:
        until_ms, node = self._nodes.get(user_id, (0, NOBODY))
        return node if until_ms > self._clock_ms() else NOBODY

    def _with_claimants(self, user_id: str) -> Node:
        claimants = self._claimed_by.get(user_id, {})
        latest = sorted(claimants, key=lambda one: (claimants[one], one), reverse=True)
        return msgspec.structs.replace(self._node(user_id), claimed_by=tuple(latest))
