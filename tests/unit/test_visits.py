"""Pairing starts with ends: never across sessions or items, never an hours-long dwell."""

from core.config import EngagementConfig
from core.events import InteractionEvent, event_order
from core.modelling.visits import Visit, pair_views
from tests.build import MINUTE_MS, NOW_MS, event


def visits(*events: InteractionEvent) -> list[Visit]:
    ordered = sorted(events, key=event_order)
    return sorted(
        pair_views(ordered, EngagementConfig()), key=lambda visit: (visit.last_ms, visit.content_id)
    )


def test_a_start_and_an_end_of_one_visit_give_its_dwell() -> None:
    [visit] = visits(
        event("view_started", "a", ts_ms=NOW_MS, session_id="s"),
        event("view_ended", "a", ts_ms=NOW_MS + 12_500, session_id="s", reason="link"),
    )
    assert (visit.dwell_seconds, visit.reason) == (12.5, "link")


def test_the_order_of_arrival_does_not_matter() -> None:
    end = event("view_ended", "a", ts_ms=NOW_MS + 5_000)
    start = event("view_started", "a", ts_ms=NOW_MS)
    assert visits(end, start) == visits(start, end)


def test_an_explicit_dwell_wins_over_the_clock() -> None:
    [visit] = visits(
        event("view_started", "a", ts_ms=NOW_MS),
        event("view_ended", "a", ts_ms=NOW_MS + MINUTE_MS, dwell_seconds=7.0),
    )
    assert visit.dwell_seconds == 7.0


def test_another_session_or_item_does_not_pair() -> None:
    found = visits(
        event("view_started", "a", ts_ms=NOW_MS, session_id="s"),
        event("view_ended", "a", ts_ms=NOW_MS + 1_000, session_id="t"),
        event("view_ended", "b", ts_ms=NOW_MS + 2_000, session_id="s"),
    )
    assert [visit.dwell_seconds for visit in found] == [None, None, None]


def test_an_end_before_its_start_does_not_pair() -> None:
    found = visits(
        event("view_ended", "a", ts_ms=NOW_MS), event("view_started", "a", ts_ms=NOW_MS + 1_000)
    )
    assert [visit.dwell_seconds for visit in found] == [None, None]


def test_a_missing_end_is_unknown_even_when_the_item_is_opened_again_hours_later() -> None:
    first, second = visits(
        event("view_started", "a", ts_ms=NOW_MS),
        event("view_started", "a", ts_ms=NOW_MS + 300 * MINUTE_MS),
        event("view_ended", "a", ts_ms=NOW_MS + 301 * MINUTE_MS),
    )
    assert (first.dwell_seconds, second.dwell_seconds) == (None, 60.0)


def test_a_start_and_an_end_hours_apart_are_no_pair() -> None:
    found = visits(
        event("view_started", "a", ts_ms=NOW_MS),
        event("view_ended", "a", ts_ms=NOW_MS + 600 * MINUTE_MS, reason="abandon"),
    )
    assert [(visit.dwell_seconds, visit.reason) for visit in found] == [
        (None, None),
        (None, "abandon"),
    ]


def test_a_view_opened_and_closed_at_once_pairs() -> None:
    [visit] = visits(
        event("view_ended", "a", ts_ms=NOW_MS, message_id="1"),
        event("view_started", "a", ts_ms=NOW_MS, message_id="2"),
    )
    assert visit.dwell_seconds == 0.0
