"""Event times by clocks that are wrong, and texts that hardly are times."""

from datetime import UTC, datetime

import pytest

from core.normalizing.clock import event_time, parse_time

ARRIVED_MS = 1_764_000_000_000  # 2025-11-24T16:00:00Z
HOUR_MS = 3_600_000


def iso(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{rest:03d}Z"


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("2025-11-24T16:00:00Z", ARRIVED_MS),
        ("2025-11-24T16:00:00.000Z", ARRIVED_MS),
        ("2025-11-24T16:00:00.000678+00:00", ARRIVED_MS),
        ("2025-11-24T21:30:00+05:30", ARRIVED_MS),
        ("2025-11-24T16:00:00", ARRIVED_MS),
        ("2025-11-24 16:00:00", ARRIVED_MS),
        (1_764_000_000, ARRIVED_MS),
        (1_764_000_000.0, ARRIVED_MS),
        (1_764_000_000_000, ARRIVED_MS),
        ("1999-01-01T00:00:00Z", 915_148_800_000),
        ("yesterday", None),
        ("", None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_time_is_read_in_every_form(value: object, ms: int | None) -> None:
    assert parse_time(value) == ms


def test_the_timestamp_wins() -> None:
    event = {"timestamp": iso(ARRIVED_MS - HOUR_MS), "originalTimestamp": iso(5)}
    assert event_time(event, iso(7), ARRIVED_MS) == ARRIVED_MS - HOUR_MS


def test_a_device_an_hour_behind_is_corrected_by_its_skew() -> None:
    event = {"originalTimestamp": iso(ARRIVED_MS - HOUR_MS - 2000)}
    assert event_time(event, iso(ARRIVED_MS - HOUR_MS), ARRIVED_MS) == ARRIVED_MS - 2000


def test_a_device_an_hour_ahead_is_corrected_by_its_skew() -> None:
    event = {
        "originalTimestamp": iso(ARRIVED_MS + HOUR_MS - 2000),
        "sentAt": iso(ARRIVED_MS + HOUR_MS),
    }
    assert event_time(event, None, ARRIVED_MS) == ARRIVED_MS - 2000


def test_a_retry_within_a_slow_request_gives_the_same_time() -> None:
    event = {"originalTimestamp": iso(ARRIVED_MS - 60_000)}
    first = event_time(event, iso(ARRIVED_MS - 300), ARRIVED_MS)
    assert event_time(event, iso(ARRIVED_MS + 3_000), ARRIVED_MS + 4_000) == first


def test_rudderstacks_receipt_bounds_the_future() -> None:
    event = {"timestamp": "2099-01-01T00:00:00Z", "receivedAt": iso(ARRIVED_MS - 5_000)}
    assert event_time(event, None, ARRIVED_MS) == ARRIVED_MS - 5_000


def test_our_own_receipt_bounds_a_receipt_from_the_future() -> None:
    event = {"timestamp": "2099-01-01T00:00:00Z", "receivedAt": "2098-01-01T00:00:00Z"}
    assert event_time(event, None, ARRIVED_MS) == ARRIVED_MS


def test_an_event_without_any_time_happened_when_it_came() -> None:
    assert event_time({}, None, ARRIVED_MS) == ARRIVED_MS
