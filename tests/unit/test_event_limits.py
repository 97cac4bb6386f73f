"""What happens past each bound of one event: a part is cut or dropped, the rest is kept."""

import json
from typing import Any

import pytest

from adapters.memory.dead_letters import InMemoryDeadLetters
from adapters.memory.due_queue import InMemoryDueQueue
from adapters.memory.event_buffer import InMemoryEventBuffer
from adapters.memory.identity_graph import InMemoryIdentityGraph
from adapters.memory.popularity import InMemoryPopularityStore
from adapters.memory.user_models import InMemoryUserModelStore
from adapters.plans.toml import read_plan
from core.events import InteractionEvent
from core.identity.node import IdentityConfig
from core.normalizing.limits import EventLimits
from core.normalizing.mapping import EventMapper
from core.normalizing.normalize import normalize_events
from core.normalizing.reasons import NormalizedBatch
from core.plan import EventPlan
from core.queues import Debounce
from ingest_worker.composition import ingest_parts
from ingest_worker.heartbeats import Heartbeats
from ingest_worker.process_settings import ingest_settings
from ingest_worker.stores import Stores
from tests.build import NOW_MS, PLAN, WINDOW_MS, links, raw_batch, themed_catalogue, worker_metrics
from tests.places import places

SMALL = EventLimits(max_id_chars=5, max_text_chars=4, max_listed=2, max_links=2)
TRACK = {"type": "track", "userId": "u1", "messageId": "m1"}
SURVEY = {**TRACK, "event": "SURVEY_SUBMITTED"}


def limited(event: Any, limits: EventLimits = SMALL, plan: EventPlan = PLAN) -> NormalizedBatch:
    return normalize_events(
        json.dumps(event).encode(),
        EventMapper(plan, limits),
        arrived_ms=NOW_MS,
        window_ms=WINDOW_MS,
    )


def one(event: Any) -> InteractionEvent:
    [found] = limited(event).events
    return found


@pytest.mark.parametrize(("user_id", "reasons"), [("u2345", []), ("u23456", ["user_id_too_long"])])
def test_a_longer_user_id_is_rejected(user_id: str, reasons: list[str]) -> None:
    found = limited({**TRACK, "type": "page", "userId": user_id})
    assert [rejection.reason for rejection in found.rejections] == reasons


def test_a_longer_item_session_or_request_is_none() -> None:
    def view(part: str) -> InteractionEvent:
        given = {"content": part, "request_id": part, "session_id": part}
        return one(
            {**TRACK, "event": "CONTENT_LOOKUP", "properties": {**given, "clicked_id": part}}
        )

    kept, dropped = view("12345"), view("123456")
    assert (kept.content_id, kept.session_id, kept.request_id) == ("12345", "12345", "12345")
    assert (dropped.content_id, dropped.session_id, dropped.request_id) == (None, None, None)


def test_a_view_of_an_item_with_a_longer_id_is_a_view_of_nothing() -> None:
    event = {**TRACK, "event": "CONTENT_VIEW_STARTED", "properties": {"content": "123456"}}
    [rejection] = limited(event).rejections
    assert rejection.reason == "no_content"


def test_a_longer_message_id_is_cut_in_an_event_and_in_a_rejection() -> None:
    long = {**TRACK, "messageId": "m23456789"}
    assert one({**long, "type": "page"}).message_id == "m2345"
    [rejection] = limited(long).rejections
    assert rejection.message_id == "m2345"


def test_longer_answers_are_cut() -> None:
    answers = {"gender": "unspecified", "age": 16, "personalization_theme": ["Remembrance", "Arts"]}
    assert one({**SURVEY, "properties": {"answers": answers}}).answers == {
        "gender": "unsp",
        "age": 16,
        "personalization_theme": ("Reme", "Arts"),
    }


def test_of_more_impressions_or_values_of_an_answer_the_first_stay() -> None:
    shown = {"content": "1", "candidates": ["4", "4", "3", "2"]}
    view = one({**TRACK, "event": "CONTENT_VIEW_STARTED", "properties": shown})
    assert view.impressions == ("4", "3")
    answers = {"personalization_theme": [None, "C", "B", "A"]}
    survey = one({**SURVEY, "properties": {"answers": answers}})
    assert survey.answers == {"personalization_theme": ("C", "B")}


def test_an_order_of_a_hundred_thousand_items_is_not_as_many_events() -> None:
    products = [{"product_id": number} for number in range(100_000)]
    order = {**TRACK, "event": "Order Completed", "properties": {"products": products}}
    found = limited(order, EventLimits(), read_plan("shop")).events
    assert [event.content_id for event in found] == [str(number) for number in range(200)]


def test_of_more_linked_ids_the_first_in_their_order_stay_and_longer_ones_never_do() -> None:
    named = [{"type": "user_id", "value": value} for value in ("d", "a", "toolong", "c", "b")]
    merge = {**TRACK, "type": "merge", "mergeProperties": named}
    user = TRACK["userId"]
    assert links(limited(merge)) == {("a", user), ("b", user)}
    alias = {**TRACK, "type": "alias", "previousId": "toolong", "anonymousId": "anon"}
    assert links(limited(alias)) == {("anon", user)}


@pytest.mark.parametrize(
    ("setting", "event", "reason"),
    [
        ("EVENT_MAX_DEPTH", {"type": "page", "userId": "u1", "properties": {"a": {}}}, "too_deep"),
        ("EVENT_MAX_ID_CHARS", {"type": "page", "userId": "u12"}, "user_id_too_long"),
    ],
)
async def test_the_worker_keeps_to_its_settings(setting: str, event: Any, reason: str) -> None:
    for value, expected in (("3", []), ("2", [reason])):
        settings = ingest_settings({"REDIS_URL": "redis://unused", setting: value})
        letters = InMemoryDeadLetters(max_letters=9, max_bytes=9999, clock_ms=lambda: NOW_MS)
        stores = Stores(
            graph=InMemoryIdentityGraph(IdentityConfig(), clock_ms=lambda: NOW_MS),
            buffer=InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=9),
            queue=InMemoryDueQueue(Debounce()),
            dead_letters=letters,
            models=InMemoryUserModelStore(ttl_s=60, clock_s=lambda: 0.0),
            popularity=InMemoryPopularityStore(ttl_s=60, clock_s=lambda: 0.0),
            tombstones=places().tombstones,
            batches=places().batches,
        )
        heartbeats = Heartbeats(clock_s=lambda: 0.0, stalled_after_s=60)
        parts = ingest_parts(settings, stores, themed_catalogue(), worker_metrics(), heartbeats)
        await parts.handler.handle([raw_batch("1-0", json.dumps(event).encode())])
        assert [one.letter.reason for one in await letters.latest(limit=9)] == expected
