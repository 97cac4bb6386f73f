"""`ModelExplainer`: finds a stored model and the events behind it, and tells it."""

from core.modelling.build import ModelBasis
from core.modelling.observations import mentioned_items
from core.ports import ContentStore, EventSource, UserModelStore
from core.signals import UserSignals
from core.telling.explain import explain
from core.telling.explanation import ModelExplanation
from core.telling.rereading import reread


class ModelExplainer:
    """Answers "what do you think of me, and why?"; it reads only."""

    def __init__(
        self,
        source: EventSource,
        models: UserModelStore,
        contents: ContentStore,
        basis: ModelBasis,
    ) -> None:
        """Keep the ports and what models are built by."""
        self._source = source
        self._models = models
        self._contents = contents
        self._basis = basis

    async def explain(self, user_id: str, *, now_ms: int) -> ModelExplanation | None:
        """The model of a visitor with its evidence, None for a stranger.

        Raises: RetryableError when a store is away.
        """
        stored = await self._models.get_signals(user_id)
        if stored is None:
            return None
        since_ms = stored.built_at_ms - self._basis.config.window_ms
        [window] = await self._source.fetch_events([user_id], since_ms=since_ms)
        catalogue = self._contents.edition()
        items = mentioned_items(window.events) | _items_of(stored)
        contents = await catalogue.get(sorted(items))
        return explain(
            stored,
            reread(stored, window.events, contents, self._basis),
            contents,
            self._basis,
            catalogue_version=catalogue.version,
            now_ms=now_ms,
        )


def _items_of(stored: UserSignals) -> set[str]:
    """The items that a model names by itself: their titles are shown also without events."""
    return {*stored.positives, *stored.negatives, *stored.unopened}
