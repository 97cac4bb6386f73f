"""Which events are outcomes of which answers."""

from typing import Any

from core.answer_log.entry import AnswerEntry, EventEntry, ShownItem
from core.answer_log.outcomes import Outcomes
from tests.build import NOW_MS

MINUTE = 60_000


def answer(request_id: str, at_ms: int, *items: str, user: str = "ada") -> AnswerEntry:
    return AnswerEntry(
        request_id=request_id,
        endpoint="recommend",
        served_at_ms=at_ms,
        at_ms=at_ms,
        user=user,
        asked=f"{user}-phone",
        strategy="warm",
        catalogue_version="c",
        config_version="v",
        slate=tuple(
            ShownItem(content_id=one, score=1, kind="recommendation", generated_by=(), features=())
            for one in items
        ),
        request=b"",
        digest="",
    )


def event(number: int, item: str, ts_ms: int, **more: Any) -> EventEntry:
    given: dict[str, Any] = {"user": "ada", "kind": "view_started", "recorded_ms": ts_ms} | more
    return EventEntry(message_id=f"m{number}", content_id=item, ts_ms=ts_ms, **given)


def outcomes(answers: list[AnswerEntry], *events: EventEntry) -> list[dict[str, Any]]:
    found = Outcomes()
    found.add(events)
    for one in answers:
        found.show(one)
    found.settle()
    return [dict(found.of(one)) for one in answers]


def test_an_event_that_echoes_the_answer_is_of_it_whoever_sent_it_and_whenever() -> None:
    answers = [answer("r1", NOW_MS, "a", "b"), answer("r2", NOW_MS + 1, "a")]
    late = event(1, "a", NOW_MS + 5 * 86_400_000, request_id="r1", user="elsewhere")
    first, second = outcomes(answers, late)
    assert list(first) == ["a"]
    assert first["a"].opened
    assert second == {}


def test_without_an_echo_it_is_of_the_latest_answer_before_it_that_showed_the_item() -> None:
    answers = [
        answer("r3", NOW_MS + 10 * MINUTE, "a"),
        answer("r1", NOW_MS, "a", "b"),
        answer("r2", NOW_MS + 5 * MINUTE, "b"),
    ]
    third, first, second = outcomes(
        answers,
        event(1, "a", NOW_MS + 6 * MINUTE),
        event(2, "b", NOW_MS + 6 * MINUTE),
        event(3, "a", NOW_MS - 1),
        event(4, "a", NOW_MS + 11 * MINUTE, user="ada-phone"),
    )
    assert list(first) == ["a"]
    assert list(second) == ["b"]
    assert list(third) == ["a"]
    assert third["a"].first_ms == NOW_MS + 11 * MINUTE


def test_what_others_did_and_what_was_done_a_day_later_is_no_outcome() -> None:
    [found] = outcomes(
        [answer("r1", NOW_MS, "a")],
        event(1, "a", NOW_MS + MINUTE, user="bob"),
        event(2, "a", NOW_MS + 25 * 60 * MINUTE),
    )
    assert found == {}


def test_events_that_came_twice_count_once_and_the_last_word_counts() -> None:
    ended = event(2, "a", NOW_MS + 40_000, kind="view_ended", dwell_seconds=30.0, reason="abandon")
    again = event(
        3, "a", NOW_MS + 90_000, kind="view_ended", dwell_seconds=9.0, reason="next_button"
    )
    rated = event(4, "a", NOW_MS + 91_000, kind="survey", rating=5.0)
    [found] = outcomes(
        [answer("r1", NOW_MS, "a")], event(1, "a", NOW_MS + 1000), ended, again, ended, rated
    )
    assert found["a"].opened
    assert (found["a"].dwell_seconds, found["a"].reason, found["a"].rating) == (
        30.0,
        "next_button",
        5.0,
    )


def test_a_rating_alone_opens_nothing() -> None:
    rated = event(4, "a", NOW_MS + 91_000, kind="survey", rating=5.0)
    [found] = outcomes([answer("r1", NOW_MS, "a")], rated)
    assert not found["a"].opened
