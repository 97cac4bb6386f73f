"""`UserModelUpdater`: brings stored models up to date with the buffered events."""

from collections.abc import Sequence

import msgspec

from core.errors import NoCatalogueError
from core.modelling.build import ModelBasis, build_user_signals
from core.modelling.observations import mentioned_items
from core.ports import ContentStore, EventSource, UserModelStore
from core.signals import UserSignals
from core.turns import Turns, at_once


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one user. `saved` False: a newer model was already there."""

    signals: UserSignals
    saved: bool


class UserModelUpdater:
    """fetch_events -> build_user_signals -> save_signals, for one user or a round of them."""

    def __init__(
        self,
        source: EventSource,
        models: UserModelStore,
        contents: ContentStore,
        basis: ModelBasis,
        between: Turns = at_once,
    ) -> None:
        """Keep the ports and what every model depends on besides the events.

        `between` is awaited before each model: a process that also does other
        things lets them have their turn.
        """
        self._between = between
        self._source = source
        self._models = models
        self._contents = contents
        self._basis = basis

    @property
    def has_catalogue(self) -> bool:
        """Whether models can be built: for a while after the very first start they cannot."""
        try:
            self._contents.edition()
        except NoCatalogueError:
            return False
        return True

    async def refresh(self, *user_ids: str, now_ms: int) -> Sequence[Refreshed]:
        """Rebuild and store the models of the given users as they are at `now_ms`.

        A refresh may run anywhere, twice or late: it reads the whole window,
        and the store refuses a model of an older revision. A user without
        events gets no model.

        Raises: RetryableError when a store is away.
        """
        models = await self.rebuild(*user_ids, now_ms=now_ms)
        saved = await self._models.save_signals(models)
        return [
            Refreshed(signals=model, saved=stored)
            for model, stored in zip(models, saved, strict=True)
        ]

    async def rebuild(self, *user_ids: str, now_ms: int) -> Sequence[UserSignals]:
        """The models of those of the users who have events, as they are at `now_ms`.

        Raises: RetryableError when a store is away.
        """
        since_ms = now_ms - self._basis.config.window_ms
        found = await self._source.fetch_events(user_ids, since_ms=since_ms)
        windows = [window for window in found if window.events]
        mentioned = set().union(*(mentioned_items(window.events) for window in windows))
        catalogue = self._contents.edition()
        contents = await catalogue.get(sorted(mentioned))
        models = []
        for window in windows:
            await self._between()
            models.append(
                build_user_signals(
                    window.user_id,
                    window.events,
                    contents,
                    self._basis,
                    now_ms=now_ms,
                    revision=window.revision,
                    catalogue_version=catalogue.version,
                    vector_space=catalogue.vector_space,
                )
            )
        return models
