"""The breaker: when it opens and closes, and when it is time for a probe."""

from hypothesis import given
from hypothesis import strategies as st

from core.breaker import Breaker


def test_three_failures_in_a_row_open_it_and_only_the_third_says_so() -> None:
    breaker = Breaker()
    assert [breaker.failed(at) for at in (1.0, 2.0, 3.0, 4.0)] == [False, False, True, False]
    assert breaker.is_open


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker()
    for at in range(9):
        breaker.failed(at)
        breaker.failed(at)
        breaker.succeeded()
    assert not breaker.is_open


def test_only_a_probe_closes_it_and_tells_how_long_it_was_open() -> None:
    breaker = opened(at=10.0)
    breaker.succeeded()
    assert breaker.probe_succeeded(12.5) == 2.5
    assert not breaker.is_open
    assert breaker.probe_succeeded(13.0) is None
    assert not breaker.failed(14.0), "it counts from the beginning"


def test_a_probe_is_due_a_quarter_of_a_second_after_the_last_has_begun() -> None:
    breaker = opened(at=10.0)
    assert breaker.wait_s(10.1) == 0.25 - (10.1 - 10.0)
    breaker.probed(10.25)
    breaker.failed(10.3)
    assert breaker.wait_s(10.5) == 0.0
    assert breaker.wait_s(99.0) == 0.0


def opened(*, at: float) -> Breaker:
    breaker = Breaker()
    while not breaker.failed(at):
        pass
    return breaker


@given(st.lists(st.sampled_from(["failed", "succeeded", "probe"])), st.integers(1, 5))
def test_it_is_open_exactly_after_so_many_failures_in_a_row_until_a_probe_succeeds(
    happened: list[str], opens_after: int
) -> None:
    breaker = Breaker(opens_after=opens_after)
    in_a_row, is_open = 0, False
    for at, one in enumerate(happened):
        if one == "failed":
            in_a_row += 1
            opens = not is_open and in_a_row >= opens_after
            assert breaker.failed(at) == opens
            is_open = is_open or opens
        elif one == "succeeded":
            in_a_row = in_a_row if is_open else 0
            breaker.succeeded()
        else:
            assert (breaker.probe_succeeded(at) is not None) == is_open
            in_a_row, is_open = 0, False
        assert breaker.is_open == is_open
