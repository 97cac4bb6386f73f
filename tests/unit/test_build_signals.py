"""`build_user_signals`: likes, dislikes, what was passed over, and who somebody is."""

import msgspec
import pytest

from core.config import ModelConfig, SignalsConfig
from core.signals import comparable, encode_signals
from core.vectors import cosines, to_grid, unpack
from tests.build import DAY_MS, MINUTE_MS, NOW_MS, content, event, read, signals_of

A = content(
    "a",
    embed="a family behind the bookcase",
    tags=("theme_what:Hiding", "place_where.site_type:House"),
)
B = content(
    "b",
    embed="fishermen row over the sound at night",
    tags=("theme_what:hiding", "theme_what:Rescue"),
)
C = content("c", tags={"theme_what:Air War": 1.0, "theme_what:Rescue": 0.5})
ALL = (A, B, C)


def test_a_deep_read_is_positive_and_an_abandoned_one_negative() -> None:
    signals = signals_of(read("a", 40), read("c", 2, "abandon"), contents=ALL)
    assert signals.positives == {"a": 0.7}
    assert signals.negatives["c"] < 0
    assert set(signals.viewed) == {"a", "c"}
    assert not signals.is_cold


def test_a_strength_halves_in_a_half_life() -> None:
    old = read("a", 40, ts_ms=NOW_MS - 14 * DAY_MS)
    assert signals_of(old, contents=ALL).positives["a"] == pytest.approx(0.35, abs=1e-4)


def test_events_older_than_the_window_do_not_count() -> None:
    signals = signals_of(read("a", 40, ts_ms=NOW_MS - 31 * DAY_MS), contents=ALL)
    assert signals.is_cold
    assert signals.window.events == 0


def test_the_latest_view_leads_the_recent_ones() -> None:
    signals = signals_of(
        read("a", 40, ts_ms=NOW_MS - 3 * MINUTE_MS),
        read("b", 1, "abandon", ts_ms=NOW_MS - 2 * MINUTE_MS),
        contents=ALL,
    )
    assert signals.as_json()["recent_views"] == ["b", "a"]
    recency = to_grid(unpack(signals.recency_vector))
    assert cosines(recency[None, :], B.vector[None, :])[0, 0] > 0.999


def test_the_taste_lies_between_the_likes_nearer_to_the_stronger() -> None:
    signals = signals_of(read("a", 40), read("b", 12, "link"), contents=ALL)
    taste = to_grid(unpack(signals.taste_vector))[None, :]
    to_a = cosines(taste, A.vector[None, :])[0, 0]
    to_b = cosines(taste, B.vector[None, :])[0, 0]
    assert to_a > to_b > cosines(A.vector[None, :], B.vector[None, :])[0, 0]


def test_two_spellings_of_a_tag_are_one() -> None:
    affinity = signals_of(read("a", 40), read("b", 40), contents=ALL).tag_affinity
    assert affinity["theme_what:Hiding"] == 1.0
    assert "theme_what:hiding" not in affinity


def test_weak_evidence_stays_weak_unless_classic() -> None:
    classic = ModelConfig(signals=SignalsConfig(scale="classic"))
    weak = read("c", 2, "abandon")
    assert signals_of(weak, contents=ALL).tag_aversion["theme_what:Air War"] < 0.2
    stretched = signals_of(weak, contents=ALL, config=classic).tag_aversion
    assert stretched == {"theme_what:Air War": 1.0, "theme_what:Rescue": 0.5}


def test_an_unopened_impression_is_a_soft_negative_of_the_item_alone() -> None:
    start = event("view_started", "a", impressions=("b", "c", "a"))
    signals = signals_of(start, read("a", 40), contents=ALL)
    assert set(signals.unopened) == {"b", "c"}
    shown = signals.as_json()
    assert shown["negatives"]["b"] == pytest.approx(-0.30, abs=1e-3)
    assert shown["impressions"]["b"] == pytest.approx(1.0, abs=1e-3)
    assert signals.tag_aversion == {}


def test_impressions_count_toward_tags_only_when_switched_on() -> None:
    classic = ModelConfig(signals=SignalsConfig(aversion="classic"))
    start = event("view_started", "a", impressions=("c",))
    assert signals_of(start, contents=ALL, config=classic).tag_aversion["theme_what:Air War"] > 0


def test_what_was_clicked_in_a_search_was_opened() -> None:
    signals = signals_of(
        event("view_started", "a", impressions=("b",)), event("search", "b"), contents=ALL
    )
    assert signals.unopened == {}
    assert signals.behavior.searches == 1


def test_showing_an_item_again_tires_more() -> None:
    shown = [
        event("view_started", "a", impressions=("b",), ts_ms=NOW_MS - n * MINUTE_MS)
        for n in range(1, 4)
    ]
    assert signals_of(*shown, contents=ALL).unopened["b"][0] == pytest.approx(3.0, abs=1e-3)


def test_only_the_latest_unopened_impressions_are_kept() -> None:
    shown = tuple(f"item-{number:03}" for number in range(80))
    events = [
        event("view_started", "a", impressions=(item,), ts_ms=NOW_MS - number * 1000)
        for number, item in enumerate(shown)
    ]
    assert set(signals_of(*events, contents=ALL).unopened) == set(shown[:50])


def test_answers_and_traits_seed_the_affinity() -> None:
    signals = signals_of(
        event("survey", answers={"personalization_theme": ("Rescue", "theme_what:Hiding")}),
        event("identify", answers={"age": 16, "gender": "Female", "nationality": "Dutch"}),
        contents=ALL,
    )
    assert signals.tag_affinity == {
        "theme_what:Hiding": 1.0,
        "theme_what:Rescue": 1.0,
        "person_who.age_group:youth": 0.5,
        "person_who.nationality:Dutch": 0.4,
        "person_who.gender:woman": 0.3,
    }
    assert signals.demographics == {"age_group": "youth", "gender": "woman", "nationality": "Dutch"}
    assert signals.is_cold


def test_the_latest_answer_to_a_question_counts() -> None:
    signals = signals_of(
        event("identify", answers={"age": 70}, ts_ms=NOW_MS - MINUTE_MS),
        event("identify", answers={"age": 10}, ts_ms=NOW_MS - 2 * MINUTE_MS),
    )
    assert signals.demographics == {"age_group": "senior"}


def test_an_item_that_left_the_catalogue_is_still_seen() -> None:
    signals = signals_of(read("gone", 60), contents=ALL)
    assert set(signals.viewed) == set(signals.positives) == {"gone"}
    assert signals.taste_vector == ""


def test_behaviour_is_counted() -> None:
    behavior = signals_of(
        read("a", 20, ts_ms=NOW_MS - 3 * MINUTE_MS),
        read("a", 20, "link", ts_ms=NOW_MS - 2 * MINUTE_MS),
        read("c", 2, "abandon"),
        contents=ALL,
    ).behavior
    assert (behavior.views, behavior.items) == (3, 2)
    assert behavior.average_dwell_ratio == pytest.approx((0.5 + 0.05) / 2)
    assert behavior.completion_rate == pytest.approx(2 / 3, abs=1e-4)
    assert behavior.revisit_rate == 0.5


def test_a_stranger_without_events_has_an_empty_model() -> None:
    signals = signals_of()
    assert signals.is_cold
    assert signals.window.events == 0
    assert signals.behavior.average_dwell_ratio is None


def test_the_answered_form_has_short_floats_and_the_stored_one_is_small() -> None:
    items = tuple(
        content(f"{1000 + n}", tags=tuple(f"theme_what:Theme {n % 9}" for n in range(n, n + 6)))
        for n in range(40)
    )
    events = []
    for number in range(25):
        at = NOW_MS - number * 10 * MINUTE_MS
        shown = tuple(str(1000 + (number * 3 + k) % 40) for k in range(4))
        item = str(1000 + number % 20)
        events.append(event("view_started", item, impressions=shown, ts_ms=at - MINUTE_MS))
        events.append(read(item, 5 + number, ts_ms=at))
    signals = signals_of(*events, contents=items)
    assert signals.window.events == 50
    assert len(encode_signals(signals)) <= 5 * 1024
    shown_model = signals.as_json()
    assert len(shown_model["taste_vector"]) == 384
    assert all(round(value, 4) == value for value in shown_model["taste_vector"])
    assert msgspec.json.encode(shown_model)


def test_of_one_event_with_two_clock_corrections_the_earlier_counts() -> None:
    early = read("a", 40, message_id="m", ts_ms=NOW_MS - 5 * MINUTE_MS)
    late = read("a", 40, message_id="m", ts_ms=NOW_MS - MINUTE_MS)
    for events in ((early, late), (late, early)):
        signals = signals_of(*events, contents=ALL)
        assert signals.viewed == {"a": early.ts_ms}
        assert signals.behavior.views == 1


def test_revision_and_time_of_building_lie_outside_the_comparison() -> None:
    signals = signals_of(read("a", 40), contents=ALL)
    rebuilt = msgspec.structs.replace(signals, revision=9, built_at_ms=NOW_MS + 5)
    assert comparable(signals) == comparable(rebuilt)
    assert comparable(signals) != comparable(signals_of(contents=ALL))


def test_unopened_items_stand_newest_first_and_by_id_within_one_time() -> None:
    older = event("view_started", "a", impressions=("a-older",), ts_ms=NOW_MS - 2 * MINUTE_MS)
    newer = event("view_started", "a", impressions=("c", "b"), ts_ms=NOW_MS - MINUTE_MS)
    assert list(signals_of(newer, older).unopened) == ["b", "c", "a-older"]
