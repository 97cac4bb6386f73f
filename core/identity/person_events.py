"""`PersonEvents`: the events of a person, wherever they were kept.

Events stay under the id that they came with; what makes them one person's is
decided when they are read. So a link may come before or after them, twice, or
turn out to be a shared device's: nothing has to be moved, or moved back.
"""

from collections.abc import Mapping, Sequence

import msgspec

from core.events import InteractionEvent, event_order
from core.identity.node import IdentityConfig
from core.identity.people import People, Person
from core.identity.session import latest_session
from core.ports import Begun, EventSource, EventWindow


class PersonEvents:
    """An `EventSource` over one that knows ids alone."""

    def __init__(
        self, source: EventSource, people: People, config: IdentityConfig, *, max_events: int
    ) -> None:
        """The newest `max_events` of all ids of a person count."""
        self._source = source
        self._people = people
        self._config = config
        self._max_events = max_events

    async def begin(self, user_ids: Sequence[str], *, now_ms: int) -> Sequence[Begun]:
        """Begin to refresh the persons that the ids are.

        Each person's revision is taken before their links are looked at for the
        last time: whoever takes a later one knows all links that this one knew.
        """
        revisions: dict[str, int] = {}
        wanted = list(dict.fromkeys(user_ids))
        while True:
            for one in await self._source.begin(wanted, now_ms=now_ms):
                revisions |= one.asked
            people = await self._people.find(user_ids)
            roots = {person.user_id for person in people.values()}
            wanted = sorted(roots - revisions.keys())
            if not wanted:
                return _begun(people, revisions)

    async def fetch_events(
        self, user_ids: Sequence[str], *, since_ms: int
    ) -> Sequence[EventWindow]:
        """The events of the person behind each id, oldest first."""
        people = await self._people.find(user_ids)
        ids = list(dict.fromkeys(one for person in people.values() for one in person.ids))
        found = await self._source.fetch_events(ids, since_ms=since_ms)
        windows = dict(zip(ids, found, strict=True))
        return [self._joined(people[one], windows) for one in user_ids]

    def _joined(self, person: Person, windows: Mapping[str, EventWindow]) -> EventWindow:
        own = windows[person.user_id]
        if person.is_shared:
            return latest_session(own, gap_ms=self._config.session_gap_ms)
        if len(person.ids) == 1:
            return own
        parts = [windows[one] for one in person.ids]
        events = sorted((event for part in parts for event in part.events), key=event_order)
        return EventWindow(
            user_id=person.user_id,
            revision=max(part.revision for part in parts),
            events=tuple(_of(person, event) for event in events[-self._max_events :]),
        )


def _begun(people: Mapping[str, Person], revisions: Mapping[str, int]) -> list[Begun]:
    asked: dict[str, dict[str, int]] = {}
    for one, person in people.items():
        asked.setdefault(person.user_id, {})[one] = revisions[one]
    return [Begun(user_id=root, revision=revisions[root], asked=ids) for root, ids in asked.items()]


def _of(person: Person, event: InteractionEvent) -> InteractionEvent:
    if event.user_id == person.user_id:
        return event
    return msgspec.structs.replace(event, user_id=person.user_id)
