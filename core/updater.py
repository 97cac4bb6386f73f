"""`UserModelUpdater`: brings stored models up to date with the buffered events."""

from collections.abc import Mapping, Sequence

import msgspec

from core.errors import NoCatalogueError
from core.modelling.build import ModelBasis, build_user_signals
from core.modelling.observations import mentioned_items
from core.ports import Begun, ContentStore, EventSource, EventWindow, UserModelStore
from core.signals import UserSignals
from core.turns import Turns, at_once


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one person, who was asked for under so many ids.

    `signals` None: there are no events, and no model any more. `saved` False: a
    newer model was already there. `ends_ms`: when the model is nobody's any more.
    """

    user_id: str
    asked: tuple[str, ...]
    signals: UserSignals | None = None
    saved: bool = False
    ends_ms: int | None = None


class UserModelUpdater:
    """begin -> fetch_events -> build_user_signals -> save_signals, for a round of persons."""

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
        """Rebuild and store the models of the persons that the ids are, as they are at `now_ms`.

        A refresh may run anywhere, twice or late: it reads everything after it
        has begun, and the store refuses a model of one that began earlier. A
        person without events has no model; nor has an id that is another's.

        Raises: RetryableError when a store is away.
        """
        begun = await self._source.begin(user_ids, now_ms=now_ms)
        windows = await self._windows([one.user_id for one in begun], now_ms)
        built = await self._build(windows, now_ms)
        models = {
            one.user_id: msgspec.structs.replace(built[one.user_id], revision=one.revision)
            for one in begun
            if one.user_id in built
        }
        saved = await self._models.save_signals(list(models.values()))
        await self._models.drop(_without_model(begun, models))
        was_saved = dict(zip(models, saved, strict=True))
        return [
            Refreshed(
                user_id=one.user_id,
                asked=tuple(one.asked),
                signals=models.get(one.user_id),
                saved=was_saved.get(one.user_id, False),
                ends_ms=window.ends_ms,
            )
            for one, window in zip(begun, windows, strict=True)
        ]

    async def rebuild(self, *user_ids: str, now_ms: int) -> Sequence[UserSignals]:
        """The models of those of the persons who have events, as they are at `now_ms`.

        Raises: RetryableError when a store is away.
        """
        built = await self._build(await self._windows(user_ids, now_ms), now_ms)
        return list(built.values())

    async def _windows(self, user_ids: Sequence[str], now_ms: int) -> Sequence[EventWindow]:
        since_ms = now_ms - self._basis.config.window_ms
        return await self._source.fetch_events(user_ids, since_ms=since_ms)

    async def _build(
        self, windows: Sequence[EventWindow], now_ms: int
    ) -> Mapping[str, UserSignals]:
        """The models of those windows that have events, by the person's id."""
        lasting = {
            one.user_id: one
            for one in windows
            if one.events and (one.ends_ms is None or now_ms <= one.ends_ms)
        }
        mentioned = set().union(*(mentioned_items(one.events) for one in lasting.values()))
        catalogue = self._contents.edition()
        contents = await catalogue.get(sorted(mentioned))
        models = {}
        for user_id, window in lasting.items():
            await self._between()
            models[user_id] = build_user_signals(
                user_id,
                window.events,
                contents,
                self._basis,
                now_ms=now_ms,
                revision=window.revision,
                catalogue_version=catalogue.version,
                vector_space=catalogue.vector_space,
            )
        return models


def _without_model(begun: Sequence[Begun], models: Mapping[str, UserSignals]) -> dict[str, int]:
    """Ids under which no model may lie, up to the revision that this refresh took for each."""
    ids = {user_id: revision for one in begun for user_id, revision in one.asked.items()}
    ids |= {one.user_id: one.revision for one in begun}
    return {user_id: revision for user_id, revision in ids.items() if user_id not in models}
