"""`ModelHistorian`: tells event by event how a visitor's model came to be."""

from collections.abc import Mapping
from itertools import islice

from core.content import Content
from core.events import InteractionEvent
from core.modelling.build import ModelBasis
from core.modelling.observations import Members, distinct, mentioned_items
from core.ports import ContentStore, EventSource, UserModelStore
from core.telling.changes import Told, change_between, told
from core.telling.cursor import Cursor
from core.telling.history import HistoryEvent, ModelChange, ModelHistory
from core.turns import Turns, at_once

_NO_CHANGE = ModelChange()


class ModelHistorian:
    """Answers "what did I do, and what did you make of it?"; it reads only."""

    def __init__(
        self,
        source: EventSource,
        models: UserModelStore,
        contents: ContentStore,
        basis: ModelBasis,
        between: Turns = at_once,
    ) -> None:
        """`between` is awaited before each of the models that a page is made from."""
        self._source = source
        self._models = models
        self._contents = contents
        self._basis = basis
        self._between = between

    async def history(
        self, user_id: str, *, limit: int, before: Cursor | None, now_ms: int
    ) -> ModelHistory | None:
        """A page of at most `limit` events, None for a stranger.

        `limit` + 1 models are built: that with an event is the one without the next.

        Raises: RetryableError when a store is away.
        """
        at_ms = now_ms if before is None else before.at_ms
        since_ms = at_ms - self._basis.config.window_ms
        [window] = await self._source.fetch_events([user_id], since_ms=since_ms)
        if not window.events and await self._models.get_signals(user_id) is None:
            return None
        contents = await self._contents.edition().get(sorted(mentioned_items(window.events)))
        members = distinct(window.events, since_ms=since_ms)
        end = len(members) if before is None else before.end_in(members)
        start = max(0, end - limit)
        page = await self._page(members, start, end, contents, at_ms)
        return ModelHistory(
            user_id=user_id,
            at_ms=at_ms,
            events=len(members),
            page=tuple(reversed(page)),
            next_before=_cursor_at(start, members, at_ms) if start else None,
        )

    async def _page(
        self, members: Members, start: int, end: int, contents: Mapping[str, Content], at_ms: int
    ) -> list[HistoryEvent]:
        """Those events and what each did, oldest first."""
        if start == end:
            return []
        page = []
        before = await self._told(members, start, contents, at_ms)
        for index, event in enumerate(islice(members.values(), start, end), start=start):
            after = await self._told(members, index + 1, contents, at_ms)
            page.append(_line(event, change_between(before, after, contents), contents))
            before = after
        return page

    async def _told(
        self, members: Members, count: int, contents: Mapping[str, Content], at_ms: int
    ) -> Told:
        """The model of the first so many events."""
        await self._between()
        first = dict(islice(members.items(), count))
        return told(first, contents, self._basis, now_ms=at_ms)


def _cursor_at(index: int, members: Members, at_ms: int) -> str:
    member, event = next(islice(members.items(), index, None))
    return Cursor.at(at_ms, member, event).text()


def _line(
    event: InteractionEvent, change: ModelChange, contents: Mapping[str, Content]
) -> HistoryEvent:
    content = None if event.content_id is None else contents.get(event.content_id)
    return HistoryEvent(
        time_ms=event.ts_ms,
        title=None if content is None else content.title,
        change=change,
        changed_nothing=change == _NO_CHANGE,
        **{name: getattr(event, name) for name in _KEPT},
    )


_KEPT = [
    name for name in InteractionEvent.__struct_fields__ if name in HistoryEvent.__struct_fields__
]
