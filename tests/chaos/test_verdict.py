"""The comparison can fail: by what is missing, by what nobody sent, and by another model."""

from time import time
from typing import Any

import msgspec
import pytest

from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.user_models import InMemoryUserModelStore
from core.events import InteractionEvent, decode_member
from core.identity.node import NOBODY, Claim, IdentityConfig
from core.identity.people import People
from core.identity.person_events import PersonEvents
from core.signals import Behavior
from core.updater import UserModelUpdater
from tests.build import event
from tests.chaos.audience import Audience
from tests.chaos.evidence import Found
from tests.chaos.ledger import WINDOW_MS, Ledger, Letter, Link, StoredEvent, Trace, users_of
from tests.chaos.poison import POISONS
from tests.chaos.verdict import Verdict, defaults, judge

ITEMS = [f"item-{number}" for number in range(9)]
IDENTITY = IdentityConfig()
ANSWERED, UNANSWERED = 20, 5


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """Requests of two events each, one of them poisoned, some never answered."""
    ledger, audience = Ledger(), Audience(1, ITEMS)
    for number in range(ANSWERED + UNANSWERED):
        events = [audience.event(time()), audience.event(time())]
        if number == 3:
            events.append(POISONS["no type"].elements("bad"))
        body = b"[" + b",".join(events) + b"]"
        ledger.sending(body)
        if number < ANSWERED:
            ledger.answered(body)
    return ledger


@pytest.fixture
async def found(ledger: Ledger) -> Found:
    """What a pipeline without a fault leaves of them, had it stored all that was answered."""
    left = [trace for request, of in ledger.traces() if request.answered_s for trace in of]
    return await stored(left)


async def stored(left: list[Trace]) -> Found:
    now_ms = round(time() * 1000)
    graph = InMemoryIdentityGraph(IDENTITY, clock_ms=lambda: now_ms)
    buffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=10_000)
    models = InMemoryUserModelStore(ttl_s=60, clock_s=time, graph=graph)
    links = [one for one in left if isinstance(one, Link)]
    await graph.add(
        [Claim(of=one.of, person=one.person, ts_ms=now_ms, by="alias") for one in links]
    )
    events = [_decoded(one) for one in left if isinstance(one, StoredEvent)]
    await buffer.append(events, now_ms=now_ms)
    users = sorted({user for trace in left for user in users_of(trace)})
    persons = PersonEvents(buffer, People(graph, IDENTITY), IDENTITY, max_events=10_000)
    await UserModelUpdater(persons, models, *defaults()).refresh(*users, now_ms=now_ms)
    found = {user: await models.get_signals(user) for user in users}
    return Found(
        nodes=await graph.look(users),
        buffers={one.user_id: one.events for one in await buffer.fetch_events(users, since_ms=0)},
        models={user: model for user, model in found.items() if model is not None},
        letters=frozenset(one for one in left if isinstance(one, Letter)),
    )


def _decoded(one: StoredEvent) -> InteractionEvent:
    return decode_member(one.member, user_id=one.user_id, ts_ms=one.ts_ms)


async def verdict(ledger: Ledger, found: Found) -> Verdict:
    return await judge(list(ledger.traces()), found, duplicates=ledger.sent_again)


async def test_where_nothing_went_wrong_nothing_is_found(ledger: Ledger, found: Found) -> None:
    result = await verdict(ledger, found)
    assert str(result) == (
        "accepted=41 applied=40 duplicates=0 dead_lettered=1 links=5 lost=0 model_differences=0 "
        "erased=0 resurrected=0"
    )
    assert result.is_clean


async def test_an_event_that_is_missing_in_a_buffer_is_lost(ledger: Ledger, found: Found) -> None:
    user, events = next((user, events) for user, events in found.buffers.items() if events)
    less = msgspec.structs.replace(found, buffers={**found.buffers, user: events[1:]})
    result = await verdict(ledger, less)
    assert (result.applied, len(result.lost)) == (39, 1)
    assert events[0].message_id in result.lost[0]
    assert "answered 200" in result.lost[0]
    assert not result.is_clean


async def test_a_link_that_nobody_knows_of_is_lost(ledger: Ledger, found: Found) -> None:
    of = next(of for of, node in found.nodes.items() if len(node.aliases) == 1)
    nodes = {**found.nodes, of: NOBODY}
    result = await verdict(ledger, msgspec.structs.replace(found, nodes=nodes))
    assert len(result.lost) == 1
    assert f"link of {of}" in result.lost[0]


async def test_what_is_left_of_who_was_erased_is_no_loss_but_resurrected(
    ledger: Ledger, found: Found
) -> None:
    user, events = next((user, events) for user, events in found.buffers.items() if events)
    gone = msgspec.structs.replace(found, buffers={**found.buffers, user: ()})
    models = {one: model for one, model in gone.models.items() if one != user}
    gone = msgspec.structs.replace(gone, models=models, resurrected=("model:{somebody}",))
    result = await judge(list(ledger.traces()), gone, duplicates=ledger.sent_again, erased={user})
    assert not [line for line in result.lost if f"event of {user} " in line]
    assert (result.erased, len(result.resurrected)) == (1, 1)
    assert result.accepted == 41 - len(events)
    assert not result.is_clean


async def test_an_event_that_names_who_was_erased_went_with_them_and_is_no_loss(
    ledger: Ledger, found: Found
) -> None:
    traces = list(ledger.traces())
    event, link = next(
        (one, link)
        for request, left in traces
        if request.answered_s
        for link in left
        if isinstance(link, Link)
        for one in left
        if isinstance(one, StoredEvent) and one.names_others and one.user_id == link.person
    )
    kept = [one for one in found.buffers[link.person] if StoredEvent.of(one) != event]
    buffers = {**found.buffers, link.person: tuple(kept), link.of: ()}
    models = {name: one for name, one in found.models.items() if name != link.of}
    less = msgspec.structs.replace(found, buffers=buffers, models=models)
    result = await judge(traces, less, duplicates=ledger.sent_again, erased={link.of})
    assert not [line for line in result.lost if str(event) in line]
    whole = await judge(traces, less, duplicates=ledger.sent_again)
    assert [line for line in whole.lost if str(event) in line]


async def test_poison_that_is_no_dead_letter_is_lost(ledger: Ledger, found: Found) -> None:
    result = await verdict(ledger, msgspec.structs.replace(found, letters=frozenset()))
    assert (result.dead_lettered, len(result.lost)) == (0, 1)
    assert "no_type" in result.lost[0]


async def test_a_dead_letter_of_another_reason_is_not_the_one(ledger: Ledger, found: Found) -> None:
    [letter] = found.letters
    other = frozenset({msgspec.structs.replace(letter, reason="no_user")})
    result = await verdict(ledger, msgspec.structs.replace(found, letters=other))
    assert (len(result.lost), len(result.never_sent)) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"viewed": {"another": 1}},
        {"taste_vector": "AAAA"},
        {"behavior": Behavior(views=99)},
        {"catalogue_version": "another"},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_model_that_is_not_what_its_buffer_gives_is_a_difference(
    ledger: Ledger, found: Found, change: dict[str, Any]
) -> None:
    user, model = next(iter(found.models.items()))
    models = {**found.models, user: msgspec.structs.replace(model, **change)}
    result = await verdict(ledger, msgspec.structs.replace(found, models=models))
    assert len(result.model_differences) == 1
    assert f"{user}: {next(iter(change))};" in result.model_differences[0]
    assert not result.is_clean


async def test_a_model_of_an_older_buffer_is_a_difference(ledger: Ledger, found: Found) -> None:
    user, events = next(one for one in found.buffers.items() if len(one[1]) > 1)
    older = await stored([StoredEvent.of(event) for event in events[1:]])
    models = {**found.models, user: older.models[user]}
    result = await verdict(ledger, msgspec.structs.replace(found, models=models))
    assert len(result.model_differences) == 1


async def test_a_user_without_a_model_is_a_difference(ledger: Ledger, found: Found) -> None:
    models = dict(list(found.models.items())[1:])
    result = await verdict(ledger, msgspec.structs.replace(found, models=models))
    assert len(result.model_differences) == 1


async def test_what_was_never_answered_may_be_there_or_not(ledger: Ledger) -> None:
    everything = await stored([trace for _, of in ledger.traces() for trace in of])
    result = await verdict(ledger, everything)
    assert result.is_clean
    assert (result.accepted, result.applied) == (41, 40)


async def test_what_nobody_sent_is_found(ledger: Ledger, found: Found) -> None:
    user, events = next(
        (user, events)
        for user, events in found.buffers.items()
        if events and found.nodes[user] == NOBODY
    )
    stranger = event("page", user_id=user, ts_ms=events[0].ts_ms, message_id="a stranger's")
    more = await stored([StoredEvent.of(one) for one in (*events, stranger)])
    result = await verdict(
        ledger,
        msgspec.structs.replace(
            found,
            buffers={**found.buffers, **more.buffers},
            models={**found.models, **more.models},
            unknown_keys=("events:{nobody}",),
        ),
    )
    assert len(result.never_sent) == 2
    assert not result.is_clean


def test_a_body_that_is_sent_again_is_one_request() -> None:
    ledger = Ledger()
    for _ in range(3):
        ledger.sending(b"[]")
    ledger.sending(b"{}")
    ledger.answered(b"[]")
    assert ledger.sent_again == 2
    assert [request.answered_s is not None for request, _ in ledger.traces()] == [True, False]
