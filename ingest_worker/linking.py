"""`Linker`: keeps what events say about whose ids they are, and says who changes by it."""

from collections.abc import Iterable, Sequence

import structlog

from core.identity.graph import IdentityGraph
from core.identity.node import SHARED, Claim, IdentityConfig, is_somebody, owner_of, refusal_of
from core.log_names import LINK_REFUSED
from core.pseudonyms import pseudonym
from ingest_worker.metrics import WorkerMetrics

_log = structlog.get_logger()


class Linker:
    """Claims into the graph; those that do not count are kept all the same, and counted."""

    def __init__(
        self, graph: IdentityGraph, config: IdentityConfig, metrics: WorkerMetrics
    ) -> None:
        """Keep where links lie and what they mean."""
        self._graph = graph
        self._config = config
        self._metrics = metrics

    async def link(self, claims: Sequence[Claim]) -> Iterable[str]:
        """Keep claims; the ids whose model may be another one by them.

        These are the claimed ids, all to whom they have belonged or do now, and who
        was said to be one that turns out to be shared.

        Raises: RetryableError when the graph is away.
        """
        if not claims:
            return ()
        nodes = await self._graph.add(claims)
        for claim in claims:
            if (why := refusal_of(claim, nodes[claim.of], self._config)) is not None:
                self._metrics.refused_links.labels(why).inc()
                _log.warning(LINK_REFUSED, reason=why, id_hash=pseudonym(claim.of))
        told = {person for node in nodes.values() for person in (*node.devices, *node.aliases)}
        shared = [one for one, node in nodes.items() if owner_of(node, self._config) == SHARED]
        known = await self._graph.look(shared) if shared else {}
        left = {one for node in known.values() for one in node.claimed_by}
        return {*nodes, *filter(is_somebody, told), *left}
