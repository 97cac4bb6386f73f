"""Models in the memory of one process, as the JSON text that Redis would hold."""

from collections.abc import Callable, Sequence

from core.signals import UserSignals, decode_signals, encode_signals


class InMemoryUserModelStore:
    """Keeps models for `ttl_s` seconds and refuses an older revision."""

    def __init__(self, *, ttl_s: float, clock_s: Callable[[], float]) -> None:
        """`clock_s` is a steady clock; tests pass one that they move."""
        self._ttl_s = ttl_s
        self._clock_s = clock_s
        self._models: dict[str, tuple[float, int, bytes]] = {}

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """Store each model unless a newer revision is stored; says which were."""
        return [self._save(model) for model in models]

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The stored model, or None for a stranger."""
        expires_s, _, raw = self._models.get(user_id, (0.0, 0, b""))
        return decode_signals(raw) if raw and expires_s > self._clock_s() else None

    def _save(self, model: UserSignals) -> bool:
        now_s = self._clock_s()
        expires_s, revision, _ = self._models.get(model.user_id, (0.0, 0, b""))
        if expires_s > now_s and revision > model.revision:
            return False
        self._models[model.user_id] = (now_s + self._ttl_s, model.revision, encode_signals(model))
        return True
