"""Compares what was answered with 200 with what is there."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from time import time

import msgspec

from adapters.contents import open_content_store
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.plans.toml import read_plan
from adapters.settings import SharedSettings
from core.events import InteractionEvent
from core.identity.node import IdentityConfig, is_shared
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.modelling.build import ModelBasis
from core.ports import ContentStore
from core.signals import UserSignals, comparable
from core.updater import UserModelUpdater
from tests.chaos.evidence import Found, FoundEvents
from tests.chaos.ledger import Letter, Link, Request, StoredEvent, Trace, users_of

_IDENTITY = IdentityConfig()
_MAX_EVENTS = SharedSettings().max_events_per_user

Traces = Sequence[tuple[Request, list[Trace]]]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome. `never_sent`: what is there and was in no request."""

    accepted: int
    applied: int
    duplicates: int
    dead_lettered: int
    links: int
    lost: tuple[str, ...]
    model_differences: tuple[str, ...]
    never_sent: tuple[str, ...]
    erased: int = 0
    resurrected: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"accepted={self.accepted} applied={self.applied} duplicates={self.duplicates} "
            f"dead_lettered={self.dead_lettered} links={self.links} lost={len(self.lost)} "
            f"model_differences={len(self.model_differences)} erased={self.erased} "
            f"resurrected={len(self.resurrected)}"
        )

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.model_differences or self.never_sent or self.resurrected)


@cache
def defaults() -> tuple[ContentStore, ModelBasis]:
    """The catalogue and the basis of models of processes that nobody has configured."""
    settings = SharedSettings()
    basis = ModelBasis.of(read_plan(settings.event_plan), settings.model)
    return open_content_store(settings), basis


async def judge(
    traces: Traces,
    found: Found,
    *,
    duplicates: int,
    erased: Collection[str] = (),
    perhaps_erased: Collection[str] = (),
) -> Verdict:
    """Compare traces with what was found; models with what their persons' buffers give now.

    Of who was erased nothing is expected, and nothing may be there. Of who was
    perhaps erased nothing is expected.
    """
    gone = {*erased, *perhaps_erased}
    sent = {trace for _, left in traces for trace in left}
    there = {*_present(found), *_linked(found, sent)}
    accepted: dict[Trace, Request] = {}
    for request, left in traces:
        if request.answered_s is not None:
            expected = [one for one in left if _is_expected(one, left, gone)]
            accepted.update(dict.fromkeys(expected, request))
    kept = accepted.keys() & there
    return Verdict(
        accepted=sum(not isinstance(trace, Link) for trace in accepted),
        applied=sum(isinstance(trace, StoredEvent) for trace in kept),
        duplicates=duplicates,
        dead_lettered=sum(isinstance(trace, Letter) for trace in kept),
        links=sum(isinstance(trace, Link) for trace in kept),
        lost=tuple(
            f"{trace} -- {request}" for trace, request in accepted.items() if trace not in there
        ),
        model_differences=await _model_differences(found),
        erased=len(erased),
        resurrected=found.resurrected,
        never_sent=(*found.unknown_keys, *(str(trace) for trace in there - sent)),
    )


def _is_expected(one: Trace, left: Sequence[Trace], gone: set[str]) -> bool:
    """Whether it must be there. An event that names who was erased is theirs, too."""
    if not gone.isdisjoint(users_of(one)):
        return False
    if not (isinstance(one, StoredEvent) and one.names_others):
        return True
    named = (users_of(link) for link in left if isinstance(link, Link))
    return all(gone.isdisjoint(ids) for ids in named if one.user_id in ids)


def _present(found: Found) -> set[Trace]:
    stored = {StoredEvent.of(event) for events in found.buffers.values() for event in events}
    return {*stored, *found.letters}


def _linked(found: Found, sent: Iterable[Trace]) -> Iterator[Link]:
    """The links that are known; past its bound a shared device does not know all of its own."""
    for trace in sent:
        if isinstance(trace, Link):
            node = found.nodes[trace.of]
            if trace.person in {*node.devices, *node.aliases} or is_shared(node, _IDENTITY):
                yield trace


async def _model_differences(found: Found) -> tuple[str, ...]:
    contents, basis = defaults()
    source = FoundEvents(found)
    persons = PersonEvents(source, People(source, _IDENTITY), _IDENTITY, max_events=_MAX_EVENTS)
    updater = UserModelUpdater(
        persons, InMemoryUserModelStore(ttl_s=1, clock_s=time), contents, basis
    )
    differences = []
    for user in found.buffers:
        model = found.models.get(user)
        [window] = await persons.fetch_events([user], since_ms=0)
        if window.ends_ms is not None and window.ends_ms < time() * 1000:
            continue  # a session that is over: its model goes when its turn comes
        if model is None:
            if window.events:
                differences.append(f"{user}: {len(window.events)} events and no model")
            continue
        expected = await updater.rebuild(user, now_ms=model.built_at_ms)
        if not expected:
            differences.append(f"{user}: a model and no events")
        elif comparable(model) != comparable(expected[0]):
            differences.append(f"{user}: {_what_differs(model, expected[0], window.events)}")
    return tuple(differences)


def _what_differs(
    model: UserSignals, expected: UserSignals, events: Sequence[InteractionEvent]
) -> str:
    names = [
        name
        for name in UserSignals.__struct_fields__
        if name not in ("revision", "built_at_ms")
        and getattr(model, name) != getattr(expected, name)
    ]
    return (
        f"{', '.join(names) or 'the bytes'}; built at {model.built_at_ms} from "
        f"{model.window.events} of {len(events)} events"
    )
