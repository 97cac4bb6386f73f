"""The laws that make any disorder harmless, by Hypothesis."""

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.memory.event_buffer import InMemoryEventBuffer
from core.config import ModelConfig
from core.events import InteractionEvent, decode_member, encode_member
from core.modelling.build import ModelBasis, build_user_signals
from core.modelling.decay import decay
from core.normalizing.normalize import normalize_events
from core.signals import comparable, decode_signals, encode_signals
from tests.build import DAY_MS, MAPPER, MINUTE_MS, NOW_MS, PLAN, WINDOW_MS, themed_catalogue

STORE = themed_catalogue(per_theme=2)
CONTENTS = {content.id: content for content in STORE.contents}
ITEMS = st.sampled_from([*CONTENTS, "not-in-the-catalogue"])
TIMES = st.integers(NOW_MS - 20 * DAY_MS, NOW_MS)

VIEWS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["CONTENT_VIEW_STARTED", "CONTENT_VIEW_ENDED", "CONTENT_LOOKUP"]),
        "properties": st.fixed_dictionaries(
            {
                "content": ITEMS,
                "context": st.fixed_dictionaries({"candidates": st.lists(ITEMS, max_size=3)}),
                "details": st.fixed_dictionaries(
                    {
                        "reason": st.sampled_from(
                            ["next_button", "link", "close_button", "abandon", "?"]
                        ),
                        "dwell_seconds": st.none() | st.floats(0, 300),
                        "clicked_id": ITEMS,
                    }
                ),
            }
        ),
    }
)
SURVEYS = st.fixed_dictionaries(
    {
        "event": st.just("SURVEY_ANSWERED"),
        "properties": st.fixed_dictionaries(
            {
                "content": ITEMS,
                "details": st.fixed_dictionaries({"rating": st.integers(1, 5)}),
                "answers": st.fixed_dictionaries(
                    {"personalization_theme": st.sampled_from(["Hiding", "Rescue"])}
                ),
            }
        ),
    }
)


@st.composite
def days(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A visitor's day as RudderStack events, each with an id of its own."""
    parts = draw(st.lists(VIEWS | SURVEYS, min_size=1, max_size=12))
    return [
        {
            "type": "track",
            "userId": "u1",
            "messageId": f"m-{number}",
            "timestamp": draw(TIMES),
            "context": {"sessionId": draw(st.sampled_from([1, 2]))},
            **part,
        }
        for number, part in enumerate(parts)
    ]


def events_of(batches: list[list[dict[str, Any]]]) -> list[InteractionEvent]:
    return [
        event
        for batch in batches
        for event in normalize_events(
            json.dumps(batch).encode(), MAPPER, arrived_ms=NOW_MS, window_ms=WINDOW_MS
        ).events
    ]


def model_of(events: list[InteractionEvent], now_ms: int = NOW_MS) -> bytes:
    basis = ModelBasis.of(PLAN, ModelConfig())
    return comparable(build_user_signals("u1", events, CONTENTS, basis, now_ms=now_ms))


def cut(items: list[Any], dice: random.Random) -> list[list[Any]]:
    """The same items in batches of other sizes."""
    batches: list[list[Any]] = [[]]
    for item in items:
        if dice.random() < 0.4:
            batches.append([])
        batches[-1].append(item)
    return batches


@given(day=days(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_twice_shuffled_and_cut_anew_gives_the_same_model(
    day: list[dict[str, Any]], seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - a shuffle that Hypothesis can repeat
    twice = [*day, *day]
    dice.shuffle(twice)
    assert model_of(events_of(cut(twice, dice))) == model_of(events_of([day]))


@given(day=days(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=60)
async def test_a_buffer_holds_the_same_whatever_came_first(
    day: list[dict[str, Any]], seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311
    shuffled = [*day, *dice.sample(day, k=len(day) // 2)]
    dice.shuffle(shuffled)
    windows = []
    for batches in ([day], cut(shuffled, dice)):
        buffer = InMemoryEventBuffer(window_ms=WINDOW_MS, max_events=6)
        for batch in batches:
            await buffer.append(events_of([batch]), now_ms=NOW_MS)
        [window] = await buffer.fetch_events(["u1"], since_ms=0)
        windows.append(window.events)
    assert windows[0] == windows[1]


@given(day=days())
@settings(deadline=None, max_examples=60)
def test_decoding_a_member_gives_the_event_back(day: list[dict[str, Any]]) -> None:
    for event in events_of([day]):
        again = decode_member(encode_member(event), user_id=event.user_id, ts_ms=event.ts_ms)
        assert again == event


@given(day=days())
@settings(deadline=None, max_examples=60)
def test_decoding_a_stored_model_gives_it_back(day: list[dict[str, Any]]) -> None:
    basis = ModelBasis.of(PLAN, ModelConfig())
    signals = build_user_signals("u1", events_of([day]), CONTENTS, basis, now_ms=NOW_MS, revision=7)
    assert decode_signals(encode_signals(signals)) == signals


@given(day=days(), minutes=st.integers(1, 14 * 24 * 60))
@settings(deadline=None, max_examples=60)
def test_a_liking_never_grows_by_waiting(day: list[dict[str, Any]], minutes: int) -> None:
    events = events_of([day])
    basis = ModelBasis.of(PLAN, ModelConfig())
    later_ms = NOW_MS + minutes * MINUTE_MS
    now = build_user_signals("u1", events, CONTENTS, basis, now_ms=NOW_MS)
    later = build_user_signals("u1", events, CONTENTS, basis, now_ms=later_ms)
    for item, strength in later.positives.items():
        assert 0 <= strength <= now.positives[item]


@given(ages=st.lists(st.integers(0, 60 * DAY_MS), min_size=2, max_size=2), half=st.floats(0.1, 60))
def test_decay_is_monotone_and_within_bounds(ages: list[int], half: float) -> None:
    young, old = sorted(ages)
    assert 0 < decay(NOW_MS - old, NOW_MS, half) <= decay(NOW_MS - young, NOW_MS, half) <= 1
    assert decay(NOW_MS + 1000, NOW_MS, half) == 1
