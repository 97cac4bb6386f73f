"""Models in the memory of one process, as the JSON text that Redis would hold."""

from collections.abc import Callable, Mapping, Sequence

from core.identity.graph import IdentityGraph
from core.identity.node import IdentityConfig, owner_of
from core.identity.tracing import trace
from core.signals import UserSignals, decode_signals, encode_signals

_NONE = (0, 0)
_DEFAULTS = IdentityConfig()


class InMemoryUserModelStore:
    """Keeps models for `ttl_s` seconds and refuses older ones than it has."""

    def __init__(
        self,
        *,
        ttl_s: float,
        clock_s: Callable[[], float],
        graph: IdentityGraph | None = None,
        identity: IdentityConfig = _DEFAULTS,
    ) -> None:
        """`clock_s` is a steady clock; without a graph nobody is linked to anybody."""
        self._graph = graph
        self._identity = identity
        self._ttl_s = ttl_s
        self._clock_s = clock_s
        self._models: dict[str, tuple[float, tuple[int, int], bytes]] = {}

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """Store each model unless a newer one is stored; says which were."""
        return [self._save(model) for model in models]

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The stored model of the person whom the id belongs to, or None for a stranger."""
        root = await self._root(user_id)
        expires_s, _, raw = self._models.get(root, (0.0, _NONE, b""))
        return decode_signals(raw) if raw and expires_s > self._clock_s() else None

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        """Remove models up to a revision; how many were there."""
        dropped = 0
        for user_id, revision in revisions.items():
            expires_s, (stored, _), raw = self._models.get(user_id, (0.0, _NONE, b""))
            if revision is None:
                self._models.pop(user_id, None)
            elif expires_s > self._clock_s() and stored > revision:
                continue
            else:
                self._models[user_id] = (self._clock_s() + self._ttl_s, (revision, 0), b"")
            dropped += bool(raw)
        return dropped

    async def _root(self, user_id: str) -> str:
        owners: dict[str, str | None] = {} if self._graph else {user_id: None}
        while (end := trace(user_id, owners)).root is None:
            if self._graph is not None and end.unknown is not None:
                node = (await self._graph.look([end.unknown]))[end.unknown]
                owners[end.unknown] = owner_of(node, self._identity)
        return end.root

    def _save(self, model: UserSignals) -> bool:
        now_s = self._clock_s()
        version = (model.revision, model.built_at_ms)
        expires_s, stored, _ = self._models.get(model.user_id, (0.0, _NONE, b""))
        if expires_s > now_s and stored > version:
            return False
        self._models[model.user_id] = (now_s + self._ttl_s, version, encode_signals(model))
        return True
