"""What was sent and what was answered: the sender's side of the comparison.

What it says of an event is what `normalize_events` makes of the bytes that were
sent, computed here and now, whatever became of them on their way.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from time import time

import msgspec

from adapters.plans.toml import read_plan
from core.events import InteractionEvent, encode_member
from core.identity.node import IdentityConfig
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.normalizing.reasons import Rejection

WINDOW_MS = 30 * 86_400_000
_MAX_PERSONS = IdentityConfig().max_persons
_SAYING_WHOSE = (b'"kind":"identify"', b'"kind":"alias"', b'"kind":"merge"')


class StoredEvent(msgspec.Struct, frozen=True, order=True):
    """An event as a buffer holds it: whose, when, and the member of the set."""

    user_id: str
    ts_ms: int
    member: bytes

    @classmethod
    def of(cls, event: InteractionEvent) -> "StoredEvent":
        """What is stored of an event."""
        return cls(event.user_id, event.ts_ms, encode_member(event))

    @property
    def names_others(self) -> bool:
        """Whether it says of whom an id is."""
        return any(kind in self.member for kind in _SAYING_WHOSE)

    def __str__(self) -> str:
        return f"event of {self.user_id} at {self.ts_ms}: {self.member.decode()}"


class Letter(msgspec.Struct, frozen=True, order=True):
    """A rejected event as the dead letters hold it. How often it lies there is left out."""

    reason: str
    message_id: str
    body: bytes

    @classmethod
    def of(cls, rejection: Rejection) -> "Letter":
        """The letter that a rejection becomes."""
        return cls(rejection.reason, rejection.message_id or "", rejection.body)

    def __str__(self) -> str:
        return f"letter {self.reason} {self.message_id}: {self.body[:120]!r}"


class Link(msgspec.Struct, frozen=True, order=True):
    """What was said of an id: whose it is."""

    of: str
    person: str

    def __str__(self) -> str:
        return f"link of {self.of} to {self.person}"


Trace = StoredEvent | Letter | Link
"""What an event must leave behind."""


def users_of(trace: Trace) -> tuple[str, ...]:
    """The ids that it is about."""
    if isinstance(trace, StoredEvent):
        return (trace.user_id,)
    return (trace.of, trace.person) if isinstance(trace, Link) else ()


class Request(msgspec.Struct):
    """A request that was sent once or several times with the same body."""

    body: bytes
    first_sent_s: float
    times_sent: int = 0
    answered_s: float | None = None
    failures: list[str] = []

    def __str__(self) -> str:
        answered = "never answered 200"
        if self.answered_s is not None:
            answered = f"answered 200 at {self.answered_s:.2f}"
        return (
            f"sent {self.times_sent} times, first at {self.first_sent_s:.2f}, {answered}"
            f"{', failed by ' + ' '.join(self.failures[-5:]) if self.failures else ''}"
        )


class Ledger:
    """Every request of a run. Units: times in seconds of the wall clock."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self._requests: dict[bytes, Request] = {}
        self.refused: list[str] = []
        """Answers that RudderStack would take as a reason to drop a request."""
        self.erased_ids: set[str] = set()
        self.unanswered_ids: set[str] = set()
        """Erased, perhaps, by requests that were not answered with a receipt."""

    def sending(self, body: bytes) -> None:
        """A request goes out, for the first time or again."""
        request = self._requests.setdefault(body, Request(body, time()))
        request.times_sent += 1

    def answered(self, body: bytes) -> None:
        """A request was answered with 200: it counts as accepted from now on."""
        request = self._requests[body]
        if request.answered_s is None:
            request.answered_s = time()

    def failed(self, body: bytes, how: str) -> None:
        """A request was not accepted, and is to be sent again."""
        self._requests[body].failures.append(how)

    def erased(self, user_ids: Iterable[str]) -> None:
        """A receipt has come: nothing of the ids may be there from now on."""
        self.erased_ids.update(user_ids)

    def perhaps_erased(self, traces: Iterable[Trace]) -> set[str]:
        """Who was said to be the same as somebody whose erasing was not answered at once."""
        links = [one for one in traces if isinstance(one, Link)]
        persons: dict[str, set[str]] = {}
        for link in links:
            persons.setdefault(link.of, set()).add(link.person)
        own = [link for link in links if len(persons[link.of]) <= _MAX_PERSONS]
        found, size = set(self.unanswered_ids), 0
        while len(found) > size:
            size = len(found)
            found |= {
                one for link in own if found & {link.of, link.person} for one in users_of(link)
            }
        return found

    def bodies_of(self, user_ids: Iterable[str]) -> list[bytes]:
        """What was sent and names one of the ids."""
        names = [msgspec.json.encode(one) for one in user_ids]
        return [body for body in self._requests if any(name in body for name in names)]

    @property
    def sent_again(self) -> int:
        """Deliveries beyond the first of their body: retries and duplicates."""
        return sum(one.times_sent - 1 for one in self._requests.values())

    @property
    def failures(self) -> Counter[str]:
        """How often requests failed, by how."""
        return Counter(how for one in self._requests.values() for how in one.failures)

    def traces(self) -> Iterator[tuple[Request, list[Trace]]]:
        """Every request and what its events must leave behind."""
        mapper = EventMapper(read_plan("in_memorial"))
        for request in self._requests.values():
            found = normalize_events(
                request.body, mapper, arrived_ms=round(time() * 1000), window_ms=WINDOW_MS
            )
            yield (
                request,
                [
                    *(StoredEvent.of(event) for event in found.events),
                    *(Letter.of(rejection) for rejection in found.rejections),
                    *(Link(one.of, one.person) for one in found.claims if one.of != one.person),
                ],
            )
