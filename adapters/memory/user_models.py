"""Models in the memory of one process, as the JSON text that Redis would hold."""

from collections.abc import Callable, Sequence

from core.signals import UserSignals, decode_signals, encode_signals

_NONE = (0, 0)


class InMemoryUserModelStore:
    """Keeps models for `ttl_s` seconds and refuses older ones than it has."""

    def __init__(self, *, ttl_s: float, clock_s: Callable[[], float]) -> None:
        """`clock_s` is a steady clock; tests pass one that they move."""
        self._ttl_s = ttl_s
        self._clock_s = clock_s
        self._models: dict[str, tuple[float, tuple[int, int], bytes]] = {}

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """Store each model unless a newer one is stored; says which were."""
        return [self._save(model) for model in models]

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The stored model, or None for a stranger."""
        expires_s, _, raw = self._models.get(user_id, (0.0, _NONE, b""))
        return decode_signals(raw) if raw and expires_s > self._clock_s() else None

    def _save(self, model: UserSignals) -> bool:
        now_s = self._clock_s()
        version = (model.revision, model.built_at_ms)
        expires_s, stored, _ = self._models.get(model.user_id, (0.0, _NONE, b""))
        if expires_s > now_s and stored > version:
            return False
        self._models[model.user_id] = (now_s + self._ttl_s, version, encode_signals(model))
        return True
