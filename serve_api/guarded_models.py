"""`GuardedModels`: the visitors' models, for readers who do not wait for them."""

from collections.abc import Mapping, Sequence

from core.ports import UserModelStore
from core.signals import UserSignals
from core.standby import Guard


class GuardedModels:
    """A `UserModelStore` whose reads stand behind a guard."""

    def __init__(self, models: UserModelStore, guard: Guard) -> None:
        """Keep both."""
        self._models = models
        self._guard = guard

    async def save_signals(self, models: Sequence[UserSignals]) -> Sequence[bool]:
        """As without a guard; nothing here saves."""
        return await self._models.save_signals(models)

    async def get_signals(self, user_id: str) -> UserSignals | None:
        """The model. Raises: RetryableError in good time."""
        return await self._guard.call(lambda: self._models.get_signals(user_id))

    async def drop(self, revisions: Mapping[str, int | None]) -> int:
        """As without a guard; nothing here drops."""
        return await self._models.drop(revisions)
