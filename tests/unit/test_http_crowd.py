"""Who has to go where there is no more room: never those who are being answered."""

import pytest

from adapters.http_crowd import Crowd
from adapters.http_limits import HttpLimits


class Guest:
    def __init__(self) -> None:
        self.held_bytes = 0
        self.told: list[str] = []

    def make_room(self) -> None:
        self.told.append("make room")

    def try_later(self) -> None:
        self.told.append("try later")


@pytest.fixture
def crowd() -> Crowd:
    return Crowd(HttpLimits(max_connections=2, max_bodies_bytes=100))


def entered(crowd: Crowd, number: int) -> list[Guest]:
    guests = [Guest() for _ in range(number)]
    assert all(crowd.enter(one) for one in guests)
    return guests


def test_past_the_bound_the_one_that_is_waited_for_longest_makes_room(crowd: Crowd) -> None:
    first, second = entered(crowd, 2)
    crowd.wait_for(first)
    assert crowd.enter(Guest())
    assert (first.told, second.told) == ([], ["make room"])


def test_nobody_who_is_being_answered_makes_room(crowd: Crowd) -> None:
    first, second = entered(crowd, 2)
    crowd.stop_waiting_for(first)
    crowd.stop_waiting_for(second)
    assert not crowd.enter(Guest())
    crowd.wait_for(first)
    assert crowd.enter(Guest())
    assert (first.told, second.told) == (["make room"], [])


def test_who_has_left_leaves_a_place(crowd: Crowd) -> None:
    first, second = entered(crowd, 2)
    crowd.leave(first)
    crowd.leave(first)
    assert crowd.enter(Guest())
    assert second.told == []


def test_past_the_bound_of_memory_the_largest_body_goes(crowd: Crowd) -> None:
    large, small = entered(crowd, 2)
    assert crowd.hold(large, 90)
    assert crowd.hold(small, 20)
    assert (large.told, small.told) == (["try later"], [])
    assert crowd.hold(small, 80)
    assert not crowd.hold(small, 1)


def test_what_is_answered_is_held_no_more(crowd: Crowd) -> None:
    first, second = entered(crowd, 2)
    assert crowd.hold(first, 100)
    crowd.release(first)
    assert crowd.hold(second, 100)
    crowd.leave(second)
    assert crowd.hold(first, 100)
